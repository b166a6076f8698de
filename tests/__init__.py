"""Tests; the folders mirror those of the code, ``e2e`` runs the real commands."""
