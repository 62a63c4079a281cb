#!/usr/bin/env python3
"""Three ways to check a hallpass token in Python, with the standard library and openssl(1).

    protect.py offline    ISSUER RESOURCE           < token
    protect.py introspect ISSUER RESOURCE CLIENT    < token, and the client's secret below it
    protect.py check      ISSUER                    < token

Each prints whose token it is, or "refused" and ends with status 1. In a program of yours,
`cryptography` (or PyJWT) does what `es256_holds` does here.
"""
import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    """The token is not good here."""


def decode(text):
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def offline(token, issuer, resource):
    """A JWT by itself (RFC 9068, section 4). A revoked one is good until it expires."""
    try:
        signed, signature = token.rsplit(".", 1)
        header, claims = (json.loads(decode(part)) for part in signed.split("."))
    except ValueError:
        raise Refused("not a JWT")
    # The type and the algorithm are ours to say, not the token's.
    if header.get("typ") != "at+jwt" or header.get("alg") != "ES256":
        raise Refused("not an access token")
    with urllib.request.urlopen(issuer + "/oauth/jwks") as answer:  # keep it for five minutes
        keys = json.load(answer)["keys"]
    key = next((k for k in keys if k["kid"] == header.get("kid") and k["alg"] == "ES256"), None)
    if key is None or not es256_holds(key, signed.encode(), decode(signature)):
        raise Refused("not signed by a key of this issuer")
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims["iss"] != issuer or resource not in audience or time.time() >= claims["exp"]:
        raise Refused("for somebody else, or expired")
    if "cnf" in claims:  # RFC 9449: good only with a proof, which this example does not read
        raise Refused("bound to a key")
    return claims["sub"]


def es256_holds(key, message, signature):
    """ECDSA over P-256 and SHA-256 (RFC 7518, section 3.4), by openssl."""
    if len(signature) != 64:
        return False
    point = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04"
    der = point + decode(key["x"]) + decode(key["y"])
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"

    def integer(raw):
        raw = raw.lstrip(b"\0") or b"\0"
        raw = b"\0" + raw if raw[0] & 0x80 else raw
        return b"\x02" + bytes([len(raw)]) + raw

    pair = integer(signature[:32]) + integer(signature[32:])
    with tempfile.NamedTemporaryFile() as public, tempfile.NamedTemporaryFile() as proof:
        public.write(pem)
        proof.write(b"\x30" + bytes([len(pair)]) + pair)
        public.flush(), proof.flush()
        command = ["openssl", "dgst", "-sha256", "-verify", public.name, "-signature", proof.name]
        return subprocess.run(command, input=message, capture_output=True).returncode == 0


def introspect(token, issuer, resource, client, secret):
    """Asks hallpass (RFC 7662): what was revoked is refused at once."""
    quoted = ":".join(urllib.parse.quote(part, safe="") for part in (client, secret))
    basic = "Basic " + base64.b64encode(quoted.encode()).decode()
    form = urllib.parse.urlencode({"token": token}).encode()
    request = urllib.request.Request(
        issuer + "/oauth/introspect", form, {"Authorization": basic}
    )
    with urllib.request.urlopen(request) as answer:  # an error here is a 503, never a yes
        said = json.load(answer)
    # A token that a person made has no audience: it is for every API of this deployment.
    if not said["active"] or resource not in said.get("aud", [resource]):
        raise Refused("not active")
    if "cnf" in said:  # RFC 9449: good only with a proof, which this example does not read
        raise Refused("bound to a key")
    return said["sub"]


def check(token, issuer):
    """What a proxy does for you (forward auth): your program then reads X-Hallpass-Sub."""
    request = urllib.request.Request(
        issuer + "/check", headers={"Authorization": "Bearer " + token}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.headers["X-Hallpass-Sub"]
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise Refused("the proxy would not let it through")
        raise


if __name__ == "__main__":
    way, *arguments = sys.argv[1:]
    token, *secret = sys.stdin.read().split()
    try:
        print(globals()[way](token, *arguments, *secret))
    except Refused as why:
        print("refused:", why)
        sys.exit(1)
