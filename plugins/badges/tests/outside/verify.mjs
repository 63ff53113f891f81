// Answers questions about badges with software that the project did not write. One JSON object per line comes in, one
// goes out. Nothing is fetched: the question brings every document, and what it does not bring is not there.

import {createInterface} from 'node:readline';
import {Readable} from 'node:stream';

// One answer per line is all that may be written: verifier-core tells its own troubles there.
console.log = console.error = () => {};

let documents = {};
let contexts = {};

// verifier-core fetches DID documents and status lists itself. It gets what the question brought.
globalThis.fetch = async request => {
  const url = typeof request === 'string' ? request : request.url;
  const found = contexts[url] ?? documents[url];
  const body = found === undefined ? 'not there' : JSON.stringify(found);
  const headers = {'content-type': 'application/json'};
  return new Response(body, {status: found === undefined ? 404 : 200, headers});
};

const {DataIntegrityProof} = await import('@digitalbazaar/data-integrity');
const {cryptosuite} = await import('@digitalbazaar/eddsa-rdfc-2022-cryptosuite');
const vc = await import('@digitalbazaar/vc');
const {checkStatus} = await import('@digitalbazaar/vc-bitstring-status-list');
const {verifyCredential} = await import('@digitalcredentials/verifier-core');
const jose = await import('jose');
const {default: pngText} = await import('png-itxt');

function addressOf(did) {
  const [host, ...path] = did.replace('did:web:', '').split(':').map(decodeURIComponent);
  return `https://${host}/${[...(path.length ? path : ['.well-known']), 'did.json'].join('/')}`;
}

function dereference(url) {
  const [name] = url.split('#');
  const whole = documents[name.startsWith('did:web:') ? addressOf(name) : name];
  if(whole === undefined) {
    throw new Error(`not there: ${url}`);
  }
  if(!url.includes('#')) {
    return whole;
  }
  const method = (whole.verificationMethod ?? []).find(({id}) => id === url);
  if(!method) {
    throw new Error(`no such key: ${url}`);
  }
  return {'@context': 'https://w3id.org/security/multikey/v1', ...method};
}

async function documentLoader(url) {
  return {contextUrl: null, documentUrl: url, document: contexts[url] ?? dereference(url)};
}

function reason(error) {
  const inner = (error?.errors ?? []).map(reason).join('; ');
  return [error?.message, inner, error?.cause ? reason(error.cause) : ''].filter(Boolean).join(': ');
}

async function digitalBazaar({credential}) {
  const suite = new DataIntegrityProof({cryptosuite});
  const result = await vc.verifyCredential({credential, suite, documentLoader, checkStatus});
  const status = result.statusResult?.results?.[0]?.status ?? null;
  return {verified: result.verified, revoked: status, error: reason(result.error)};
}

async function digitalCredentials({credential}) {
  const result = await verifyCredential({credential, knownDIDRegistries: []});
  const steps = Object.fromEntries((result.log ?? []).map(step => [step.id, step]));
  const status = steps.revocation_status;
  const error = (result.errors ?? []).map(({message}) => message).join('; ') || status?.error?.message || '';
  return {
    verified: steps.valid_signature?.valid === true,
    revoked: status === undefined || status.error ? null : status.valid === false,
    error
  };
}

async function token({token}) {
  const {kid} = jose.decodeProtectedHeader(token);
  const key = kid === undefined ? jose.EmbeddedJWK : await jose.importJWK(dereference(kid).publicKeyJwk, 'RS256');
  const {payload} = await jose.jwtVerify(token, key, {algorithms: ['RS256', 'ES256']});
  if(kid !== undefined) {
    const [did] = kid.split('#');
    if(payload.iss !== did || payload.issuer.id !== did || !dereference(did).assertionMethod.includes(kid)) {
      throw new Error('not a key of the issuer');
    }
  }
  return {verified: true, revoked: null, error: ''};
}

function png({picture}) {
  return new Promise((resolve, reject) => {
    Readable.from([Buffer.from(picture, 'base64')])
      .pipe(pngText.get('openbadgecredential', (error, found) =>
        error || !found ? reject(error ?? new Error('nothing there')) : resolve({text: found.value})))
      .on('error', reject)
      .resume();
  });
}

async function remember() {
  return {};
}

const skills = {remember, digitalBazaar, digitalCredentials, token, png};

for await (const line of createInterface({input: process.stdin})) {
  const question = JSON.parse(line);
  ({documents = {}, contexts = contexts} = question);
  let answer;
  try {
    answer = await skills[question.skill](question);
  } catch(error) {
    answer = {verified: false, revoked: null, error: reason(error) || String(error)};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
