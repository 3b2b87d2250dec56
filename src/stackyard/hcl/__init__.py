from stackyard.hcl.minimal import (
    File,
    HclError,
    format,
    format_path,
    leaves,
    parse_path,
    tokens_for_value,
)

__all__ = ["File", "HclError", "format", "format_path", "leaves", "parse_path", "tokens_for_value"]
