// The answers of a page with long labels: each text that is no date gets LETTERS more letters without a blank.
//
//   node lengthen.mjs ANSWERS.json LETTERS > LONG.json

import { readFileSync } from 'node:fs';

const [file, letters] = process.argv.slice(2);
const more = `https://example.org/a_path?with=values${'m'.repeat(letters)}`.slice(0, letters);
const longer = (value) => (typeof value === 'string' && !/^\d{4}-\d\d-\d\d/.test(value) ? value + more : value);
const row = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, longer(value)]));
const answers = JSON.parse(readFileSync(file, 'utf8'));
console.log(JSON.stringify(Object.fromEntries(Object.entries(answers).map(([sql, rows]) => [sql, rows.map(row)]))));
