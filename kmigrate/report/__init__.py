"""What the user sees: the diff on stdout, everything else on stderr."""
