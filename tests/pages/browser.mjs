// Opens report pages in a browser, from files and without a network, at five widths, light and dark.
//
//   node browser.mjs CHROMIUM SHOTS PAGE.html[=ANSWERS.json] ...
//
// Fails if a page reports an error, asks for anything, has a chart without marks, is wider than the window or has text that leaves it, leaves cards half empty, has text that
// is too small or too pale, or shows numbers that are not those of the answers. Pictures go below SHOTS.

import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [executablePath, shots, ...pages] = process.argv.slice(2);
if (!pages.length) throw new Error('usage: browser.mjs CHROMIUM SHOTS PAGE.html[=ANSWERS.json] ...');
const LOOKS = [
  { name: '1440', width: 1440, colorScheme: 'light' },
  { name: '1440-dark', width: 1440, colorScheme: 'dark' },
  { name: '930', width: 930, colorScheme: 'light' },
  { name: '730', width: 730, colorScheme: 'light' },
  { name: '610', width: 610, colorScheme: 'light' },
  { name: '390', width: 390, colorScheme: 'light' },
];
const failures = [];

// What is wrong with the page as it stands, and what its charts say. Runs in the page.
function look() {
  const wrong = [];
  const isSeen = (element) => element.getClientRects().length > 0;
  if (document.documentElement.scrollWidth > window.innerWidth) {
    wrong.push(`it is ${document.documentElement.scrollWidth} pixels wide in a window of ${window.innerWidth}`);
  }
  const colour = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const over = (front, back) => {
    const alpha = front[3] ?? 1;
    return [0, 1, 2].map((part) => front[part] * alpha + back[part] * (1 - alpha));
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const back = colour(getComputedStyle(at).backgroundColor);
      if (back.length && (back[3] ?? 1) === 1) return back;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const said = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !isSeen(element) || element.closest('title, .skip')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, right } = range.getBoundingClientRect();
    // What scrolls within itself may be wider.
    if (!element.closest('.scroll, pre') && (left < -1 || right > window.innerWidth + 1)) {
      said.add(`text from ${Math.round(left)} to ${Math.round(right)} px: ${node.textContent.trim().slice(0, 40)}`);
    }
    const style = getComputedStyle(element);
    const svg = element.closest('svg');
    const zoom = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(style.fontSize) * zoom;
    if (size < 13.5) said.add(`text of ${size.toFixed(1)} px: ${node.textContent.trim().slice(0, 40)}`);
    // Figures on cells and bars are compared with the colour below them.
    const cell = svg && ['dark', 'light', 'on'].includes(element.getAttribute('class')) ? element.previousElementSibling : null;
    const back = cell ? colour(getComputedStyle(cell).fill) : behind(element);
    const front = over(colour(svg ? style.fill : style.color), back);
    const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) said.add(`contrast ${contrast.toFixed(2)}: ${node.textContent.trim().slice(0, 40)}`);
  }
  for (const svg of document.querySelectorAll('svg.wide, svg.narrow, svg.only')) {
    const card = getComputedStyle(svg.parentElement);
    const room = svg.parentElement.clientWidth - parseFloat(card.paddingLeft) - parseFloat(card.paddingRight);
    const share = svg.getBoundingClientRect().width / room;
    if (isSeen(svg) && share < 0.8) said.add(`a drawing takes ${Math.round(share * 100)}% of its card: ${svg.ariaLabel}`);
  }
  wrong.push(...said);
  const charts = [...document.querySelectorAll('figure')].map((figure) => {
    const rows = [...figure.querySelectorAll('table')].map((table) => table.tBodies[0]?.rows.length ?? 0);
    return {
      title: figure.querySelector('h3').textContent,
      sql: [...figure.querySelectorAll('pre code')].pop().textContent,
      marks: [...figure.querySelectorAll('.m')].filter(isSeen).length,
      says: Boolean(figure.querySelector(':scope > .quiet, :scope > .failed')),
      isText: Boolean(figure.querySelector('ol.ranking, table.main')),
      rows: rows.reduce((sum, count) => sum + count, 0),
      figures: [...figure.querySelectorAll('td.n, table.main .cell > span')].map((cell) => cell.textContent),
    };
  });
  return { wrong, charts, focusable: document.querySelectorAll('a, summary, [tabindex="0"]').length };
}

// The numbers of all values of an answer.
function numbers(rows) {
  const found = [];
  const take = (value) => {
    if (typeof value === 'number') found.push(value);
    else if (typeof value === 'boolean') found.push(Number(value));
    else if (Array.isArray(value)) value.forEach(take);
  };
  rows.forEach((row) => Object.values(row).forEach(take));
  return found.sort((a, b) => a - b);
}

// Whether a figure on the page, such as "1,234.5 µg/m³" or "29%", is one of the numbers, rounded.
function isOf(text, all) {
  const match = text.replace(/[,\u202f]/g, '').replace('\u2212', '-').match(/-?\d+(\.\d+)?/);
  if (!match) return true;
  const half = 0.5 * 10 ** -(match[1]?.length - 1 || 0) + 1e-9;
  const share = /%/.test(text);
  return all.some((value) => Math.abs(value - match[0]) <= half || (share && Math.abs(value * 100 - match[0]) <= half));
}

function compare(charts, answers, fail) {
  const bySql = new Map(Object.entries(answers).map(([sql, rows]) => [sql.trim(), rows]));
  for (const chart of charts) {
    const rows = bySql.get(chart.sql);
    if (!rows) {
      fail(`"${chart.title}" shows a query that was not asked`);
      continue;
    }
    const all = numbers(rows);
    const strange = chart.figures.filter((text) => !isOf(text, all));
    if (strange.length) fail(`"${chart.title}" shows ${strange.slice(0, 3).join(', ')}, which no row has`);
    if (rows.length && all.length && !chart.isText && !chart.rows) fail(`"${chart.title}" has no table of its numbers`);
  }
}

const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
mkdirSync(shots, { recursive: true });
try {
  for (const argument of pages) {
    const [file, answers] = argument.split('=');
    for (const { name, width, colorScheme } of LOOKS) {
      const fail = (why) => failures.push(`${file} at ${name}: ${why}`);
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, offline: true });
      const page = await context.newPage();
      page.on('console', (message) => fail(`console: ${message.text()}`));
      page.on('pageerror', (error) => fail(error.message));
      page.on('request', (request) => request.isNavigationRequest() || fail(`asks for ${request.url()}`));
      await page.goto(pathToFileURL(resolve(file)).href);
      const { wrong, charts, focusable } = await page.evaluate(look);
      wrong.forEach(fail);
      if (!/\S/.test(await page.locator('h1').innerText())) fail('it has no headline');
      for (const { title, marks, says, isText } of charts) {
        if (!marks && !says && !isText) fail(`"${title}" has no marks`);
      }
      if (answers) compare(charts, JSON.parse(readFileSync(answers, 'utf8')), fail);
      // By keyboard: the first stops are there, and a closed table opens.
      await page.keyboard.press('Tab');
      if (focusable && (await page.evaluate(() => document.activeElement === document.body))) fail('Tab leads nowhere');
      const summary = page.locator('summary').first();
      if (await summary.count()) {
        await summary.focus();
        await page.keyboard.press('Enter');
        if (!(await summary.evaluate((element) => element.parentElement.open))) fail('Enter opens no table');
        await page.keyboard.press('Enter');
        await page.evaluate(() => document.activeElement.blur());
      }
      const shot = `${basename(resolve(file, '..'))}-${basename(file, '.html')}-${name}.png`;
      await page.screenshot({ path: join(shots, shot), fullPage: true });
      await context.close();
    }
    console.log(`${file}: seen`);
  }
} finally {
  await browser.close();
}
if (failures.length) {
  console.error([...new Set(failures)].join('\n'));
  process.exitCode = 1;
}
