// Files that `configapi export` writes, read by those that such files are for, and files that
// `configapi import` takes as npm's dotenv does. bash and java.util.Properties are in the tests of
// internal/fileformat.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import dotenv from 'dotenv';
import * as jsYaml from 'js-yaml';
import * as yaml from 'yaml';
import { patience, Server } from './server.js';

const pieces = [
  'a', 'b c', ' ', "'", '"', '\\', '$', '$HOME', '${x}', '`id`', '`', '\n', '\r', '\t', '#', ' # ', '=', '!', '~', '*', '{b}', '[c]', ';', '&', '|', '>', 'é', '😀',
  '\u00a0', '\u0085', '\u2028', '\ufeff', '\u0001', '\u007f', '\\n', "\\'", '\\"', '- d', 'e: f', 'yes', '8080', '1e3', '2024-01-01', 'null', '~', '%', '@', '\nG=h\n', '  ', '---', '...',
];

/** A source of random numbers below a bound, whose seed the test prints. */
function randomOf(t) {
  let state = (Date.now() ^ process.pid) >>> 0;
  t.diagnostic(`seed ${state}`);
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function textOf(random, from, most) {
  let text = '';
  for (let n = random(most + 1); n > 0; n--) {
    text += from[random(from.length)];
  }
  return text;
}

/** Runs a command with a text as its standard input. */
async function run(server, input, ...args) {
  const env = { PATH: process.env.PATH, HOME: '/nowhere', CONFIGAPI_URL: server.url, CONFIGAPI_TOKEN: server.token ?? '' };
  const child = spawn(process.env.CONFIGAPI, args, { env });
  child.stdin.end(input);
  const texts = ['', ''];
  for (const [i, stream] of [child.stdout, child.stderr].entries()) {
    stream.setEncoding('utf8').on('data', (text) => { texts[i] += text; });
  }
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  return { code, stdout: texts[0], stderr: texts[1] };
}

/** Imports an object of names with their values. */
async function store(server, values) {
  const { code, stderr } = await run(server, JSON.stringify(values), 'import', '-');
  assert.equal(code, 0, stderr);
}

async function exported(server, ...args) {
  const { code, stdout, stderr } = await run(server, '', 'export', ...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Whether all readers of .env files read a value alike, as docs/files.md says. */
const isReadAlike = (v) => !v.includes('\r') && !v.endsWith('\\') && (!v.includes("'") || !/["\\$`]/.test(v));
/** Whether npm's dotenv can read a value: that, or one between backticks. */
const isForNode = (v) => isReadAlike(v) || (!v.includes('\r') && !v.endsWith('\\') && !v.includes('`'));

test('readers of .env files, JSON and YAML read what is exported, to the character', patience, async (t) => {
  const server = await Server.start(t);
  const random = randomOf(t);
  const all = {}, alike = {}, forNode = {};
  for (let i = 0; i < 900; i++) {
    const value = textOf(random, pieces, 7);
    all[`all/V_${i}`] = value;
    if (isReadAlike(value)) alike[`V_${i}`] = value;
    if (isForNode(value)) forNode[`V_${i}`] = value;
  }
  assert.ok(Object.keys(alike).length > 100);
  const below = (prefix, values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]));
  await store(server, { ...all, ...below('alike', alike) });
  await store(server, below('node', forNode));

  const strict = await exported(server, 'alike', '--format', 'dotenv');
  assert.deepEqual(dotenv.parse(strict), alike);
  assert.deepEqual({ ...parseEnv(strict) }, alike);
  assert.deepEqual(dotenv.parse(await exported(server, 'node', '--format', 'dotenv-node')), forNode);
  assert.deepEqual(JSON.parse(await exported(server, 'all')), all);
  const asYaml = await exported(server, 'all', '--format', 'yaml');
  assert.deepEqual(yaml.parse(asYaml), all);
  assert.deepEqual(yaml.parse(asYaml, { version: '1.1' }), all);
  assert.deepEqual(jsYaml.load(asYaml), all);
});

test('what is imported from a .env file is what npm\'s dotenv reads in it', patience, async (t) => {
  const server = await Server.start(t);
  const random = randomOf(t);
  const parts = ['a', 'b', "'c d'", "'", '"e f"', '"', '\\', '\\n', '\\"', '$', '`', '`g`', ' # h', '#i', ' ', 'é', '=', '\t', "'j\nk'", '"l\nm"', 'V_1=n', '\\r', '\\t'];
  let taken = 0;
  for (let round = 0; round < 12; round++) {
    let lines = [];
    for (let i = 0; i < 80; i++) {
      lines.push(`${['', 'export ', ' '][random(3)]}V_${i}${['=', ' = '][random(2)]}${textOf(random, parts, 3)}`);
    }
    for (const format of ['dotenv-node', 'dotenv']) {
      const got = await takenOf(server, lines, format);
      const want = dotenv.parse(got.text);
      assert.deepEqual(got.values, { ...want }, JSON.stringify(got.text));
      taken += Object.keys(want).length;
    }
  }
  assert.ok(taken > 200, `${taken} settings were compared`);
});

/** Imports the settings that are taken alone, each tried by itself in one file of all of them. */
async function takenOf(server, settings, format) {
  for (let left = settings; ; ) {
    const text = `${left.join('\n')}\n`;
    const { code, stdout, stderr } = await run(server, text, 'import', '-', '--format', format, '--dry-run', '-o', 'json');
    if (code === 0) {
      const values = Object.fromEntries((stdout === '' ? [] : JSON.parse(stdout).revisions).map((r) => [r.name, r.value]));
      return { text, values };
    }
    const refused = new Set([...stderr.matchAll(/line (\d+):/g)].map((match) => Number(match[1])));
    assert.ok(refused.size > 0, stderr);
    let line = 1;
    left = left.filter((setting) => {
      const first = line;
      line += setting.split('\n').length;
      return ![...refused].some((at) => at >= first && at < line);
    });
  }
}
