"""AWS errors on the wire, in each protocol that AWS services speak (https://smithy.io/2.0/aws/protocols/index.html)."""

import json
from xml.sax.saxutils import escape

from stackyard.aws.emulator.actions import Request, service_model

REQUEST_ID = "00000000-0000-0000-0000-000000000000"


def error_answer(
    service: str, request: Request, *, code: str, message: str, status: int
) -> tuple[dict[str, str], bytes]:
    """Headers and body that tell the caller of `request` of an error of `service` (boto3's name), in the protocol that
    the caller spoke. `code` empty: as the service denies access."""
    protocol = _protocol(service, request)
    code = code or _DENIED.get(protocol, "AccessDenied")
    headers = {"x-amzn-RequestId": REQUEST_ID}
    if "json" in protocol or "cbor" in protocol:
        headers["x-amzn-ErrorType"] = code
    match protocol:
        case "json":
            body = json.dumps({"__type": code, "message": message}).encode()
            return headers | {"Content-Type": "application/x-amz-json-1.1"}, body
        case "rest-json":
            body = json.dumps({"code": code, "message": message}).encode()
            return headers | {"Content-Type": "application/json"}, body
        case "smithy-rpc-v2-cbor":
            headers |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
            return headers, _cbor_map({"__type": code, "message": message})
    kind = "Sender" if status < 500 else "Receiver"
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    match protocol:
        case "ec2":
            text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
        case "s3":
            text = f"<Error>{error}<RequestId>{REQUEST_ID}</RequestId></Error>"
        case _:
            text = (
                f"<ErrorResponse><Error><Type>{kind}</Type>{error}</Error>"
                f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            )
    return headers | {"Content-Type": "text/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


_DENIED = {
    "ec2": "UnauthorizedOperation",
    "json": "AccessDeniedException",
    "rest-json": "AccessDeniedException",
    "smithy-rpc-v2-cbor": "AccessDeniedException",
}


def _protocol(service: str, request: Request) -> str:
    if service == "s3":
        return "s3"
    spoken = request.protocol
    own = str(service_model(service).metadata["protocol"])
    if spoken == "rest" or (spoken == "query" and own == "ec2"):
        return own
    return spoken


def _cbor_map(values: dict[str, str]) -> bytes:
    """A map of texts in CBOR (RFC 8949): major type 5 for the map, 3 for a text."""
    return _cbor_head(5, len(values)) + b"".join(
        _cbor_head(3, len(text)) + text for pair in values.items() for text in (part.encode() for part in pair)
    )


def _cbor_head(major: int, length: int) -> bytes:
    if length < 24:
        return bytes([major << 5 | length])
    return bytes([major << 5 | 25]) + length.to_bytes(2, "big")
