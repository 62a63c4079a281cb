// Three ways to check a hallpass token in Node.js, with nothing but Node.js.
//
//   node protect.mjs offline    ISSUER RESOURCE           < token
//   node protect.mjs introspect ISSUER RESOURCE CLIENT    < token, and the client's secret below it
//   node protect.mjs check      ISSUER                    < token
//
// Each prints whose token it is, or "refused" and ends with status 1.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

class Refused extends Error {}

const decode = (part) => JSON.parse(Buffer.from(part, "base64url").toString());

// A JWT by itself (RFC 9068, section 4). A revoked one is good until it expires.
async function offline(token, issuer, resource) {
  const [head, body, signature, more] = token.split(".");
  if (!signature || more !== undefined) throw new Refused("not a JWT");
  const header = decode(head);
  // The type and the algorithm are ours to say, not the token's.
  if (header.typ !== "at+jwt" || header.alg !== "ES256") throw new Refused("not an access token");
  const { keys } = await (await fetch(`${issuer}/oauth/jwks`)).json(); // keep it for five minutes
  const jwk = keys.find((key) => key.kid === header.kid && key.alg === "ES256");
  if (!jwk) throw new Refused("not signed by a key of this issuer");
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  const good = verify("sha256", `${head}.${body}`, key, Buffer.from(signature, "base64url"));
  if (!good) throw new Refused("not signed by a key of this issuer");
  const claims = decode(body);
  const ours = claims.iss === issuer && [claims.aud].flat().includes(resource);
  if (!ours || Date.now() / 1000 >= claims.exp) throw new Refused("for somebody else, or expired");
  // RFC 9449: good only with a proof, which this example does not read.
  if (claims.cnf) throw new Refused("bound to a key");
  return claims.sub;
}

// Asks hallpass (RFC 7662): what was revoked is refused at once.
async function introspect(token, issuer, resource, client, secret) {
  const quoted = [client, secret].map(encodeURIComponent).join(":");
  const answer = await fetch(`${issuer}/oauth/introspect`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(quoted).toString("base64")}` },
    body: new URLSearchParams({ token }),
  });
  if (!answer.ok) throw new Error(`cannot ask: ${answer.status}`); // a 503, never a yes
  const said = await answer.json();
  // A token that a person made has no audience: it is for every API of this deployment.
  const ours = said.active && (said.aud ?? [resource]).includes(resource);
  if (!ours) throw new Refused("not active");
  // RFC 9449: good only with a proof, which this example does not read.
  if (said.cnf) throw new Refused("bound to a key");
  return said.sub;
}

// What a proxy does for you (forward auth): your program then reads x-hallpass-sub.
async function check(token, issuer) {
  const answer = await fetch(`${issuer}/check`, { headers: { authorization: `Bearer ${token}` } });
  if (answer.status === 401 || answer.status === 403) {
    throw new Refused("the proxy would not let it through");
  }
  if (!answer.ok) throw new Error(`cannot ask: ${answer.status}`);
  return answer.headers.get("x-hallpass-sub");
}

const [way, ...given] = process.argv.slice(2);
const [token, ...secret] = readFileSync(0, "utf8").trim().split(/\s+/);
try {
  console.log(await { offline, introspect, check }[way](token, ...given, ...secret));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.log(`refused: ${error.message}`);
  process.exit(1);
}
