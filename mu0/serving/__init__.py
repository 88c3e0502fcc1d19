"""Models outside the chain: MLflow pyfuncs for `mlflow models serve`, and promotion in the registry."""
