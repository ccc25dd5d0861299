#!/bin/sh
# Quick start: make the environment, migrate and serve, with the settings of .env.local or .env.
cd "$(dirname "$0")/.." || exit 1
exec make run
