"""Tests: all Rays that they start in their own processes are on loopback."""

import os

# read by Ray when it is imported
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
