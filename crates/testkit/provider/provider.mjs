// A standard OpenID provider that is not ours (oidc-provider, from npm), for the tests.
//
// node provider.mjs PORT OPTIONS   OPTIONS is JSON: the issuer's path, and what it lacks.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const port = Number(process.argv[2]);
const options = JSON.parse(process.argv[3] ?? '{}');
const path = options.path ?? '';
const issuer = `http://localhost:${port}${path}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'native',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', ...(options.noDevice ? [] : [DEVICE])],
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
    response_types: ['code'],
  }],
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: !options.noDevice },
    revocation: { enabled: !options.noRevocation },
    rpInitiatedLogout: { enabled: true },
  },
  claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@idp.example`, name: id.toUpperCase() }),
  }),
  pkce: { required: () => true },
  ttl: { AccessToken: 60, DeviceCode: 600, AuthorizationCode: 60, Grant: 600, IdToken: 60, Interaction: 600, RefreshToken: 600, Session: 600 },
  cookies: { keys: ['a secret of nobody'] },
});
// Mounted below its path, as a larger installation would.
const answer = provider.callback();
const server = createServer((request, response) => {
  request.originalUrl = request.url;
  request.url = request.url.startsWith(path) ? request.url.slice(path.length) || '/' : '/nowhere';
  answer(request, response);
});
server.listen(port, () => console.log(`ready ${issuer}`));
