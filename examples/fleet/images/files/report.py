"""Prints a report and ends: a batch job."""
import ssl
import sys

print(f"report made with Python {sys.version.split()[0]} and {ssl.OPENSSL_VERSION}")
