"""What Keras is, version by version: names, signatures, versions, and the port to Keras 3."""
