// An issuer of others (oidc-provider, certified OpenID Connect) on this machine, for the tests of the door.
// Usage: node e2e/issuer.mjs; prints its address. People sign in under any name; what they are stands in PEOPLE.
import { createServer } from "node:http";
import { once } from "node:events";
import process from "node:process";
import { Provider } from "oidc-provider";

/** Claims by name; whoever is not here has none. */
const PEOPLE = {
  olga: { cx_roles: ["offline_access", "operator"], cx_boards: ["care"] },
  ada: { cx_roles: ["admin"], cx_boards: "*" },
};
const RESOURCE = "urn:watchfloor";
const WAIT_MS = 5 * 60_000;

const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
// Under another name than the house's 127.0.0.1: so it is another site, as issuers are.
const issuer = `http://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "watchfloor",
      client_secret: "e2e client: secret & more",
      application_type: "native",
      // The port of a native client's loopback address is anything (RFC 8252).
      redirect_uris: ["http://127.0.0.1/v1/sign-in/issuer/callback"],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
    {
      client_id: "meter",
      client_secret: "meter-secret",
      redirect_uris: [],
      response_types: [],
      grant_types: ["client_credentials"],
    },
  ],
  claims: { openid: ["sub"], cx: ["cx_roles", "cx_boards"] },
  scopes: ["openid", "cx"],
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => [],
      getResourceServerInfo: () => ({
        scope: "read",
        audience: RESOURCE,
        accessTokenTTL: 600,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
      useGrantedResource: () => true,
    },
  },
  extraTokenClaims: (_context, token) => ({ cx_roles: ["viewer"], cx_boards: ["care"], cx_name: token.clientId }),
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...PEOPLE[id] }),
  }),
});
server.on("request", provider.callback());
console.log(issuer);
// It ends by itself if whoever started it dies.
setTimeout(() => process.exit(0), WAIT_MS).unref();
process.stdin.on("end", () => process.exit(0)).resume();
