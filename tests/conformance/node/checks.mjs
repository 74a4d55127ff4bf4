// What the checks drive in Node: `node checks.mjs NAME`, which ends with an error when a client
// finds something else than it should.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

// The clients are installed elsewhere than this file is.
const require = createRequire(process.env.CONFORMANCE_NODE);

const scene = JSON.parse(process.env.CONFORMANCE_SCENE);
const {
  ClientSecretCredential,
  EnvironmentCredential,
  ManagedIdentityCredential,
  OnBehalfOfCredential,
} = require("@azure/identity");
const msal = require("@azure/msal-node");

/** The claims of a token. */
function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}

/** The application that may do everything. */
function secretCredential(secret = scene.secret) {
  return new ClientSecretCredential(scene.tenant, scene.hunter, secret);
}

/** A client of Graph that signs in with a secret. */
function graph(version = "v1.0") {
  const { Client } = require("@microsoft/microsoft-graph-client");
  const {
    TokenCredentialAuthenticationProvider,
  } = require("@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js");
  const authProvider = new TokenCredentialAuthenticationProvider(secretCredential(), {
    scopes: [scene.graphScope],
  });
  return Client.initWithMiddleware({ authProvider, defaultVersion: version });
}

function confidential(extra = {}) {
  return new msal.ConfidentialClientApplication({
    auth: {
      clientId: scene.hunter,
      clientSecret: scene.secret,
      authority: `https://login.microsoftonline.com/${scene.tenant}`,
      ...extra,
    },
  });
}

function vault(kind, module) {
  const client = require(module)[kind];
  return new client(`https://${scene.vault}.vault.azure.net`, secretCredential());
}

async function all(pages) {
  const found = [];
  for await (const one of pages) {
    found.push(one);
  }
  return found;
}

const checks = {
  async fetch_through_the_proxy() {
    const answer = await fetch("https://graph.microsoft.com/v1.0/security/alerts_v2");
    assert.equal(answer.status, 401);
  },

  async identity_secret() {
    const token = await secretCredential().getToken(scene.graphScope);
    assert.equal(claims(token.token).appid, scene.hunter);
    const again = await new EnvironmentCredential().getToken(scene.graphScope);
    assert.equal(claims(again.token).appid, scene.hunter);
  },

  async identity_wrong_secret() {
    await assert.rejects(secretCredential("wrong").getToken(scene.graphScope), /AADSTS7000215/);
  },

  async identity_machine() {
    const credential = new ManagedIdentityCredential({ clientId: scene.assigned });
    const token = await credential.getToken(scene.graphScope);
    assert.equal(claims(token.token).appid, scene.assigned);
  },

  async identity_on_behalf_of() {
    const credential = new OnBehalfOfCredential({
      tenantId: scene.tenant,
      clientId: scene.hunter,
      clientSecret: scene.secret,
      userAssertionToken: scene.assertion,
    });
    const token = await credential.getToken(scene.graphScope);
    assert.equal(claims(token.token).upn, scene.analyst);
  },

  async msal_secret() {
    const application = confidential();
    const first = await application.acquireTokenByClientCredential({ scopes: [scene.graphScope] });
    assert.equal(claims(first.accessToken).appid, scene.hunter);
    const second = await application.acquireTokenByClientCredential({ scopes: [scene.graphScope] });
    assert.ok(second.fromCache);
  },

  async msal_region() {
    const answer = await confidential().acquireTokenByClientCredential({
      scopes: [scene.graphScope],
      azureRegion: "westeurope",
    });
    assert.equal(claims(answer.accessToken).tid, scene.tenant);
  },

  async msal_on_behalf_of() {
    const answer = await confidential().acquireTokenOnBehalfOf({
      oboAssertion: scene.assertion,
      scopes: ["https://graph.microsoft.com/ThreatHunting.Read.All"],
    });
    assert.equal(claims(answer.accessToken).upn, scene.analyst);
  },

  async graph_hunting() {
    for (const version of ["v1.0", "beta"]) {
      const answer = await graph(version)
        .api("/security/runHuntingQuery")
        .post({ Query: "AlertInfo | take 3", Timespan: "P30D" });
      assert.equal(answer.results.length, 3);
      assert.equal(answer.schema[0].name, "Timestamp");
    }
  },

  async graph_refusal() {
    const hunt = graph().api("/security/runHuntingQuery").post({ Query: "Nowhere" });
    await assert.rejects(hunt, /Failed to resolve table/);
  },

  async graph_pages() {
    const { PageIterator } = require("@microsoft/microsoft-graph-client");
    const client = graph();
    const first = await client.api("/security/alerts_v2").top(5).get();
    let seen = 0;
    const iterator = new PageIterator(client, first, () => ++seen > 0);
    await iterator.iterate();
    const count = await client.api("/security/alerts_v2").top(1).count(true).get();
    assert.equal(seen, count["@odata.count"]);
  },

  async graph_batch() {
    const { BatchRequestContent, BatchResponseContent } = require(
      "@microsoft/microsoft-graph-client",
    );
    // The client puts what comes after the host into the batch, which is below a version already.
    const root = "https://graph.microsoft.com/security";
    const content = new BatchRequestContent([
      { id: "1", request: new Request(`${root}/incidents?$top=2`, { method: "GET" }) },
      {
        id: "2",
        dependsOn: ["1"],
        request: new Request(`${root}/runHuntingQuery`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ Query: "AlertInfo | count" }),
        }),
      },
      {
        id: "3",
        dependsOn: ["2"],
        request: new Request(`${root}/nowhere`, { method: "GET" }),
      },
    ]);
    const answer = await graph().api("/$batch").post(await content.getContent());
    const responses = new BatchResponseContent(answer);
    const [incidents, hunt, nowhere] = ["1", "2", "3"].map((id) => responses.getResponseById(id));
    assert.equal((await incidents.json()).value.length, 2);
    assert.equal((await hunt.json()).results.length, 1);
    assert.equal(nowhere.status, 404);
  },

  async vault_secrets() {
    const client = vault("SecretClient", "@azure/keyvault-secrets");
    const name = `Node-${process.pid}`;
    await client.setSecret(name, "first", { contentType: "text/plain" });
    const second = await client.setSecret(name, "second");
    assert.equal((await client.getSecret(name)).value, "second");
    assert.equal((await all(client.listPropertiesOfSecretVersions(name))).length, 2);
    const names = await all(client.listPropertiesOfSecrets());
    assert.ok(names.some((one) => one.name === name));
    const version = second.properties.version;
    const changed = await client.updateSecretProperties(name, version, { tags: { a: "b" } });
    assert.deepEqual(changed.tags, { a: "b" });
    await (await client.beginDeleteSecret(name)).pollUntilDone();
    assert.ok((await all(client.listDeletedSecrets())).some((one) => one.name === name));
    await (await client.beginRecoverDeletedSecret(name)).pollUntilDone();
    assert.equal((await client.getSecret(name)).value, "second");
    await (await client.beginDeleteSecret(name)).pollUntilDone();
    await client.purgeDeletedSecret(name);
    await assert.rejects(client.getDeletedSecret(name), /not found/);
  },

  async vault_certificates() {
    const client = vault("CertificateClient", "@azure/keyvault-certificates");
    const name = scene.vaultCertificate;
    const listed = await all(client.listPropertiesOfCertificates());
    assert.ok(listed.some((one) => one.name === name));
    const certificate = await client.getCertificate(name);
    assert.ok(certificate.cer.length > 100);
    const policy = await client.getCertificatePolicy(name);
    assert.equal(policy.keyType, "RSA");
    assert.equal((await all(client.listPropertiesOfCertificateVersions(name))).length, 1);
  },
};

const check = checks[process.argv[2]];
assert.ok(check, `there is no check ${process.argv[2]}`);
await check();
