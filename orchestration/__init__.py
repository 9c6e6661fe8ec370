"""Decides when and where the stages of the line run: Dagster assets over dvc.yaml, and the launcher of training processes. Imports contracts only."""
