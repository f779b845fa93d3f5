// What typed values take and refuse.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bool, duration, float, int, json, string } from '../dist/parse.js';

const rows = [
  ['int', int(), { 0: 0, '-12': -12, '+7': 7, '007': 7, 9007199254740991: 9007199254740991 }, ['', ' 1', '1.0', '1e3', '0x10', '9007199254740993', 'NaN', '1\n']],
  ['int of a range', int({ min: 1, max: 3 }), { 1: 1, 3: 3 }, ['0', '4', '-1']],
  ['float', float(), { 1: 1, '.5': 0.5, '1.': 1, '-2.5e3': -2500, '1E-2': 0.01 }, ['', '.', 'Infinity', 'NaN', '0x1', '1e999', '1,5']],
  ['float of a range', float({ min: 0 }), { 0: 0 }, ['-0.1']],
  ['bool', bool, { true: true, TRUE: true, t: true, 1: true, false: false, F: false, 0: false }, ['', 'yes', 'tRUE', '01', 'true\n']],
  ['duration', duration, { '30s': 30_000, '1h30m': 5_400_000, '-1.5h': -5_400_000, '100ms': 100, '2us': 0.002, '0': 0, '.5s': 500, '1m1ms': 60_001 }, ['', '5', '-', '1d', '1s ', 's', '1 s', '1s2']],
  ['string', string, { '': '', ' a ': ' a ' }, []],
];

for (const [name, parse, taken, refused] of rows) {
  test(name, () => {
    for (const [text, value] of Object.entries(taken)) {
      assert.equal(parse(text), value, JSON.stringify(text));
    }
    for (const text of refused) {
      assert.throws(() => parse(text), Error, JSON.stringify(text));
    }
  });
}

test('json', () => {
  assert.deepEqual(json((value) => value)('{"a":[1]}'), { a: [1] });
  assert.throws(() => json((value) => value)('{"secret":'), (error) => !error.message.includes('secret'));
  assert.throws(() => json(() => { throw new Error('a list'); })('{}'), /a list/);
});
