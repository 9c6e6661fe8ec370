#!/bin/sh
# What Playwright starts in place of Chromium: a program that gives up its rights and then becomes Chromium (confine.py, by way of launch in chromium.py).
exec "$CONFINE_PYTHON" -I -S "$CONFINE_PROGRAM" "$@"
