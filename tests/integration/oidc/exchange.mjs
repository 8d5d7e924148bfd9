// RFC 8693 for oidc-provider, which leaves it to those who use it: an access token of a user for this API becomes one
// for the API that `audience` names. Gives what the issuer lets users do (`ALLOWED`), and refuses the rest.
import { createLocalJWKSet, jwtVerify } from 'jose';
import { errors } from 'oidc-provider';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const ALLOWED = { 'data-api': ['alice', 'bob'], 'short-api': ['alice', 'bob'] };
const LIFETIMES = { 'short-api': 20 };

// the user of a token, signed by the keys of this provider or known to it
async function userOf(provider, token, keys) {
  if (token.split('.').length === 3) {
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys }), { issuer: provider.issuer, audience: 'oapip-api' });
    return payload.preferred_username;
  }
  return (await provider.AccessToken.find(token))?.accountId;
}

export function addExchange(provider, keys, server) {
  provider.registerGrantType(GRANT, async (ctx) => {
    const { audience, subject_token: token, subject_token_type: type } = ctx.oidc.params;
    if (!token || type !== ACCESS_TOKEN) throw new errors.InvalidRequest('an access token is needed');
    const user = await userOf(provider, token, keys).catch(() => undefined);
    if (!user) throw new errors.InvalidGrant('the subject token is not valid');
    if (!ALLOWED[audience]?.includes(user)) throw new errors.InvalidTarget('not for this user');
    const lifetime = LIFETIMES[audience] ?? 3600;
    const made = new provider.AccessToken({ accountId: user, client: ctx.oidc.client, gty: 'token_exchange' });
    made.resourceServer = new provider.ResourceServer(`urn:${audience}`, { ...server, audience, accessTokenTTL: lifetime });
    made.scope = 'read';
    made.expiresIn = lifetime;
    ctx.oidc.entity('AccessToken', made);
    ctx.body = {
      access_token: await made.save(), issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', expires_in: lifetime,
    };
  }, ['audience', 'resource', 'scope', 'subject_token', 'subject_token_type', 'requested_token_type']);
}
