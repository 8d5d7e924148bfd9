// An OpenID Connect provider (npm oidc-provider, certified) with three users in groups. Argument: a JSON object with
// port, redirect (URI of the web client) and, where the keys shall be others than before, kid.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';
import { addExchange } from './exchange.mjs';

const { port, redirect, kid = 'first', lifetime = 3600 } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const USERS = {
  alice: { groups: ['/hydro', '/all'], roles: [] },
  bob: { groups: ['/forest', '/all'], roles: [] },
  olga: { groups: ['/staff'], roles: ['oapip-operator'] },
  root: { groups: [], roles: ['oapip-admin'] },
};

function key(id, type, alg, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: id, alg, use: 'sig' };
}

const claims = (name) => ({
  sub: `id-of-${name}`,
  preferred_username: name,
  groups: USERS[name].groups,
  realm_access: { roles: USERS[name].roles },
});

const audience = (resource) => (resource === 'urn:other' ? 'other-api' : 'oapip-api');

const keys = [
  key(`${kid}-rsa`, 'rsa', 'RS256', { modulusLength: 2048 }),
  key(`${kid}-ec`, 'ec', 'ES256', { namedCurve: 'P-256' }),
];

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'web', redirect_uris: [redirect], post_logout_redirect_uris: [redirect], token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    },
    {
      client_id: 'api', client_secret: 'api-secret', redirect_uris: [], response_types: [],
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    },
  ],
  jwks: { keys },
  cookies: { keys: ['only for tests'] },
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups', 'realm_access'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  ttl: { AccessToken: lifetime, ClientCredentials: lifetime, Session: 3600, Grant: 3600, Interaction: 600 },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // no resource at all: an opaque token
      defaultResource: (ctx) => (ctx.oidc?.params?.resource ? undefined : []),
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'openid profile run',
        audience: audience(resource),
        accessTokenFormat: resource === 'urn:opaque' ? 'opaque' : 'jwt',
        accessTokenTTL: lifetime,
        jwt: { sign: { alg: resource === 'urn:ec' ? 'ES256' : 'RS256' } },
      }),
    },
  },
  findAccount: (ctx, id) => (USERS[id] ? { accountId: id, claims: () => claims(id) } : undefined),
  extraTokenClaims: (ctx, token) => (token.accountId ? { ...claims(token.accountId), sub: undefined } : {
    preferred_username: `service-${token.clientId}`, groups: [],
  }),
});
addExchange(provider, keys.map(({ kty, n, e, crv, x, y, kid: id, alg }) => ({ kty, n, e, crv, x, y, kid: id, alg })), {
  scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
});
provider.listen(port, '127.0.0.1', () => console.log(`ready ${issuer}`));
