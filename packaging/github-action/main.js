'use strict';
// Finds the program, signs the job in, and tells the later steps where. Everything secret stays
// with the program: nothing of it passes through here.
const { createHash } = require('node:crypto');
const { appendFileSync, chmodSync, mkdtempSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { run, fail } = require('./run.js');

const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] || '').trim();

/** One more line in a file that the runner reads between steps. */
function tell(variable, line) {
  if (/[\r\n]/.test(line)) fail('an input has a line break in it');
  if (process.env[variable]) appendFileSync(process.env[variable], `${line}\n`);
}

/** Gets the program, and takes it only if it is the one that was meant. */
async function fetched(program, url, sha256) {
  if (!/^[0-9a-f]{64}$/i.test(sha256)) fail('url needs sha256: 64 hex digits, of what is there');
  const { protocol, hostname } = new URL(url);
  const here = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  if (protocol !== 'https:' && !here) fail('url has to be https');
  const answer = await fetch(url);
  if (!answer.ok) fail(`${url} answered ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256.toLowerCase()) fail(`${url} has the checksum ${found}; nothing was run`);
  const dir = mkdtempSync(path.join(process.env.RUNNER_TEMP || tmpdir(), 'hallpass-'));
  const file = path.join(dir, process.platform === 'win32' ? `${program}.exe` : program);
  writeFileSync(file, bytes);
  chmodSync(file, 0o755);
  tell('GITHUB_PATH', dir);
  return file;
}

async function main() {
  const server = input('server');
  if (!server) fail('server is required');
  const program = input('program') || 'hallpass';
  if (!/^[A-Za-z0-9_-]+$/.test(program)) fail('program is the name of a program');
  const url = input('url');
  const file = url ? await fetched(program, url, input('sha256')) : program;
  const project = input('project');
  const more = project ? ['--project', project] : [];
  const prefix = program.toUpperCase().replaceAll('-', '_');
  // From here on there may be something to revoke.
  tell('GITHUB_STATE', `program=${file}`);
  run(file, ['login', server, '--oidc', ...more]);
  tell('GITHUB_ENV', `${prefix}_SERVER=${server}`);
  if (project) tell('GITHUB_ENV', `${prefix}_PROJECT=${project}`);
}

main().catch((error) => fail(error.message));
