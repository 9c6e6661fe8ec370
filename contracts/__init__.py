"""What every room agrees on: annotations, dataset layout, settings, stages, errors. Imports no room and nothing heavy."""
