"""What an account still has of one environment: one function per service, each asks that service itself."""
