"""The bundled AWS emulator: moto in a child process, patched where it differs from AWS, with failures on request."""
