"""One MLflow run per training or evaluation stage; the only import of mlflow outside serving and promotion.

The store is `MLFLOW_TRACKING_URI`, by default `sqlite:///mlflow.db` in the project folder. The run id is never
written into a DVC output: it would change the output's hash with every run.
"""
