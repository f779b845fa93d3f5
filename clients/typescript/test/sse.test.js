// The parser of event streams.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventParser } from '../dist/sse.js';

const stream = ':\n\nevent: changes\nid: 1-a\ndata: {"a":\ndata:1}\n\n: comment\n\nevent: error\r\ndata: ü€😀\r\n\r\ndata\n\nid: only\n\ndata: cut';
const wanted = [{ type: 'changes', data: '{"a":\n1}' }, { type: 'error', data: 'ü€😀' }, { type: '', data: '' }];

function parse(pieces, limit = 1000) {
  const events = [];
  const take = eventParser((event) => events.push(event), limit);
  pieces.forEach((piece) => take(piece));
  return events;
}

test('events are the same wherever the bytes of a stream are cut', () => {
  const bytes = new TextEncoder().encode(stream);
  for (let i = 0; i <= bytes.length; i++) {
    for (const cuts of [[i], [i, i + 1], [i, i + 3]]) {
      const decoder = new TextDecoder();
      const pieces = [0, ...cuts].map((from, k) => decoder.decode(bytes.subarray(from, cuts[k]), { stream: true }));
      assert.deepEqual(parse(pieces), wanted, `cut at ${cuts}`);
    }
  }
  assert.deepEqual(parse([...stream]), wanted);
});

test('an event that does not end is refused', () => {
  assert.throws(() => parse(['data: ', 'x'.repeat(1001)]), RangeError);
  assert.throws(() => parse(Array.from({ length: 600 }, () => 'data: x\n')), RangeError);
  assert.throws(() => parse([`event: ${'x'.repeat(600)}\ndata: ${'x'.repeat(600)}\n`]), RangeError);
});

test('an event of 1 MiB in pieces of 100 bytes takes time in proportion to its length', () => {
  const text = `data: ${'x'.repeat(1 << 20)}\n\n`;
  const pieces = Array.from({ length: Math.ceil(text.length / 100) }, (_, i) => text.slice(i * 100, i * 100 + 100));
  assert.equal(parse(pieces, 2 << 20)[0].data.length, 1 << 20);
});
