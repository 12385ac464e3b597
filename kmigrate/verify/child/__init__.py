"""What runs in the child processes of a verification; only this package imports TensorFlow and Keras."""
