"""Measures: scores detections against the truth and writes the report. Imports training and contracts."""
