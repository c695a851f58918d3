"""project_etl: an e-commerce lakehouse on Dagster, Spark and Delta."""

__version__ = "0.1.0"
