// Opens the console of a running lakegate in headless Chromium and judges what a viewer gets.
// Environment: BASE_URL, API_KEY, SIGN_IN_LINK (optional), CHROMIUM, FAST (optional).

import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { broken, hostile } from './files.mjs';

const base = process.env.BASE_URL;
const key = process.env.API_KEY;
const out = new URL('./out/', import.meta.url).pathname;
const bundled = readFileSync(new URL('../../dashboards/bundled/ai_gateway.lvdash.json', import.meta.url), 'utf8');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(out, { recursive: true });

let passed = Number(process.env.PASSED ?? 0);
let failed = Number(process.env.FAILED ?? 0);

async function check(name, run) {
  try {
    await run();
    passed++;
  } catch (err) {
    failed++;
    console.log(`FAILED ${name}: ${err.message?.split('\nCall log')[0] ?? err}`);
  }
}

function must(ok, message) {
  if (!ok) throw new Error(message);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// What must never happen, whatever is done: gathered over all pages, judged at the end.
const complaints = [];

/** A page in a context of its own that notes every complaint and every request to another host. */
async function open({ width = 1440, height = 900, theme = 'light', signedIn = true, scale = 1 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, deviceScaleFactor: scale, acceptDownloads: true });
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => console.error(`policy violated: ${e.violatedDirective} by ${e.blockedURI || e.sample}`));
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.expected = []; // patterns of complaints that a check provokes
  page.on('console', (m) => {
    if (!['error', 'warning'].includes(m.type())) return;
    if (!page.expected.some((p) => p.test(m.text()))) complaints.push(`${page.url()}: ${m.type()}: ${m.text()}`);
  });
  page.on('pageerror', (e) => complaints.push(`${page.url()}: ${e.message}`));
  page.on('dialog', (d) => (complaints.push(`${page.url()}: a dialog said ${d.message()}`), d.dismiss()));
  context.on('request', (r) => {
    const u = new URL(r.url());
    if (!['data:', 'blob:'].includes(u.protocol) && u.origin !== new URL(base).origin) complaints.push(`request to ${r.url()}`);
  });
  if (signedIn) await signIn(page);
  return page;
}

async function signIn(page) {
  await page.goto(base + '/ui/');
  await page.fill('input[name=key]', key);
  await page.click('button[type=submit]');
  await page.waitForSelector('.board-link');
}

/** Waits until every widget of the page has its answer. */
async function settled(page) {
  await page.waitForSelector('.grid [data-widget]');
  await page.waitForFunction(() => !document.querySelector('.grid [data-state=loading]') && !document.querySelector('.as-of.loading'));
  await page.evaluate(() => document.fonts.ready);
  await page.waitForFunction(() => [...document.querySelectorAll('.grid .canvas')].every((c) => c.querySelector('svg path')), null, { timeout: 10000 })
    .catch(() => {}); // what draws nothing is found by name
}

async function goto(page, path) {
  await page.goto(base + '/ui/d/' + path);
  await settled(page);
}

/** What every widget of the page shows, as the viewer sees it. */
const widgets = (page) => page.$$eval('.grid [data-widget]', (all) => all.map((e) => ({
  id: e.dataset.widget,
  state: e.dataset.state,
  alert: e.querySelector('[role=alert]')?.textContent ?? '',
  badge: e.querySelector('.badge')?.textContent ?? '',
  counter: e.querySelector('.counter-value')?.textContent ?? null,
  rows: e.querySelector('table') ? e.querySelectorAll('tbody tr').length : null,
  marks: e.querySelector('.canvas') ? e.querySelectorAll('.canvas svg path').length : null,
})));

const text = (page, id, selector = '.counter-value') => page.locator(`[data-widget=${id}] ${selector}`).first().textContent();
const shot = (page, name) => page.screenshot({ path: `${out}${name}.png`, fullPage: true });

const routing = readFileSync(new URL('../../dashboards/bundled/routing.lvdash.json', import.meta.url), 'utf8');
const pagesOf = (board, file) => JSON.parse(file).pages.filter((p) => p.pageType !== 'PAGE_TYPE_GLOBAL_FILTERS').map((p) => ({ ...p, path: `${board}/${p.name}` }));
const pages = [...pagesOf('ai_gateway', bundled), ...pagesOf('routing', routing)];

// ---- Signing in

await check('an address of the console leads to the sign-in form, and a wrong key is refused', async () => {
  const page = await open({ signedIn: false });
  page.expected.push(/status of 401/);
  await page.goto(base + '/ui/d/ai_gateway/overview');
  await page.fill('input[name=key]', 'wrong');
  await page.click('button[type=submit]');
  await page.waitForSelector('.form-error');
  must(/not valid/.test(await page.textContent('.form-error')), 'the form does not say that the key is not valid');
  await page.fill('input[name=key]', key);
  await page.click('button[type=submit]');
  await settled(page);
  must(page.url().endsWith('/ui/d/ai_gateway/overview'), `signing in led to ${page.url()}`);
  const cookies = await page.context().cookies();
  must(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === 'Strict', `the cookies are ${JSON.stringify(cookies)}`);
  must(!(await page.evaluate(() => document.cookie)), 'scripts can read the cookie');
  await page.context().close();
});

if (process.env.SIGN_IN_LINK) {
  await check('a sign-in link works once', async () => {
    const page = await open({ signedIn: false });
    await page.goto(process.env.SIGN_IN_LINK);
    await page.waitForSelector('.board-link');
    must(!page.url().includes('sign-in'), 'the token stays in the address');
    await page.context().close();
    const again = await open({ signedIn: false });
    again.expected.push(/status of 401/);
    await again.goto(process.env.SIGN_IN_LINK);
    await again.waitForSelector('.form-error');
    await again.context().close();
  });
}

// ---- The bundled dashboards

const page = await open();

for (const p of pages) {
  await check(`page ${p.displayName}: every widget has data`, async () => {
    await goto(page, p.path);
    const all = await widgets(page);
    must(all.length === p.layout.length, `${all.length} widgets instead of ${p.layout.length}`);
    for (const w of all) {
      must(w.state === 'ready' || w.state === 'static', `${w.id} is ${w.state}: ${w.alert}`);
      must(!w.alert, `${w.id} failed: ${w.alert}`);
      must(!w.badge, `${w.id} has the badge ${w.badge}`);
      must(w.counter === null || /\d/.test(w.counter), `${w.id} counts “${w.counter}”`);
      must(w.rows === null || w.rows > 0, `${w.id} is an empty table`);
      must(w.marks === null || w.marks > 0, `${w.id} draws nothing`);
    }
    await shot(page, `${p.name}-1440-light`);
  });
}

await check('a filter changes the numbers, lives in the address, and can be reset', async () => {
  await goto(page, 'ai_gateway/overview');
  const before = [await text(page, 'k_requests'), await text(page, 'k_spend'), await text(page, 'k_tokens')];
  const largest = await text(page, 't_endpoints', 'tbody td');
  await page.click('.chip:has-text("Endpoint")');
  await page.click(`.option:has-text("${largest}")`);
  await page.waitForURL((u) => u.searchParams.get('f.filter_endpoint') === largest);
  await page.keyboard.press('Escape');
  await page.waitForFunction((was) => document.querySelector('[data-widget=k_requests] .counter-value')?.textContent !== was, before[0]);
  await settled(page);
  const after = [await text(page, 'k_requests'), await text(page, 'k_spend'), await text(page, 'k_tokens')];
  before.forEach((b, i) => must(after[i] !== b, `number ${i} is ${b} with and without the filter`));
  must((await page.locator('[data-widget=t_endpoints] tbody tr').count()) === 1, 'the table of endpoints shows others too');
  await shot(page, 'filtered-1440-light');
  await page.reload();
  await settled(page);
  must((await page.locator('[data-widget=t_endpoints] tbody tr').count()) === 1, 'the filter is gone after a reload');
  await page.click('.link-button:has-text("Reset")');
  await page.waitForFunction(() => document.querySelectorAll('[data-widget=t_endpoints] tbody tr').length > 1);
  must(!page.url().includes('f.'), 'the address still holds the filter');
});

await check('an endpoint narrows what routing did, and the experiments with it', async () => {
  await goto(page, 'routing/experiments?f.filter_endpoint=code');
  must((await page.locator('[data-widget=t_results] tbody tr').count()) === 1, 'comparisons of other endpoints are shown');
  must(/challenger is better|baseline is better|no difference shown yet/.test(await text(page, 't_results', 'tbody')), 'the comparison has no verdict');
  await goto(page, 'routing/routing?f.filter_endpoint=code');
  must((await page.$$eval('[data-widget=t_entities] tbody tr', (all) => all.map((e) => e.textContent))).every((t) => t.includes('code')), 'entities of other endpoints are shown');
});

await check('the time range changes the numbers, and Back undoes it', async () => {
  await goto(page, 'ai_gateway/overview');
  const before = await text(page, 'k_requests');
  await page.click('.chip:has-text("Time range")');
  await page.click('.option:has-text("Last 7 days")');
  await page.waitForFunction((was) => document.querySelector('[data-widget=k_requests] .counter-value')?.textContent !== was, before);
  must((await page.textContent('.chip:has-text("Time range")')).includes('Last 7 days'), 'the chip does not say Last 7 days');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('.chip')?.textContent.includes('Last 30 days'));
});

await check('the tag key changes who pays', async () => {
  await goto(page, 'ai_gateway/chargeback');
  const before = await text(page, 't_statement', 'tbody');
  await page.click('[data-widget=filter_tag_key] button');
  await page.waitForSelector('.option .option-name');
  const keys = await page.$$eval('.option .option-name', (all) => all.map((e) => e.textContent));
  must(keys.includes('team'), `the tag keys are ${keys}`);
  const other = keys.find((k) => k !== 'team');
  if (!other) { // the data has no other: ask for one that nothing has, and everything is untagged
    await page.goto(base + '/ui/d/ai_gateway/chargeback?f.filter_tag_key=nothing');
    await settled(page);
    must((await text(page, 'k_untagged_share')) === '100.0%', 'an unknown tag key does not leave all untagged');
    return;
  }
  await page.click(`.option:has-text("${other}")`);
  await page.waitForFunction((was) => document.querySelector('[data-widget=t_statement] tbody')?.textContent !== was, before);
  await settled(page);
});

await check('every chart can be read as a table', async () => {
  for (const p of pages) {
    await goto(page, p.path);
    for (const id of await page.$$eval('.grid [data-widget]:has(.canvas)', (all) => all.map((e) => e.dataset.widget))) {
      await page.locator(`[data-widget=${id}] [aria-label="View as table"]`).click({ force: true });
      must((await page.locator(`[data-widget=${id}] tbody tr`).count()) > 0, `${id} has no rows as a table`);
      await page.locator(`[data-widget=${id}] [aria-label="View as chart"]`).click({ force: true });
    }
  }
});

await check('the menu shows the SQL, downloads CSV and enlarges', async () => {
  await goto(page, 'ai_gateway/overview');
  const menu = async (entry) => {
    await page.hover('[data-widget=b_spend_model]');
    await page.click('[data-widget=b_spend_model] [aria-haspopup]');
    return page.click(`.menu-item:has-text("${entry}")`);
  };
  await menu('Show SQL');
  must(/SELECT SUM\(`cost_usd`\)/.test(await page.textContent('dialog .sql')), 'the SQL is not shown');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  const download = page.waitForEvent('download');
  await menu('Download CSV');
  const csv = readFileSync(await (await download).path(), 'utf8');
  must(/^sum\(cost_usd\),model\r\n\d/.test(csv), `the CSV begins with ${csv.slice(0, 60)}`);
  await menu('Enlarge');
  await page.waitForSelector('dialog .canvas svg');
  await page.keyboard.press('Escape');
});

await check('a tooltip is drawn and styled', async () => {
  await goto(page, 'ai_gateway/overview');
  const box = await page.locator('[data-widget=b_requests_day] .canvas').boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.5);
  await page.waitForSelector('.tip .tip-line');
  must((await page.$eval('.tip', (e) => getComputedStyle(e).borderRadius)) !== '0px', 'the tooltip has no style');
});

await check('the keyboard reaches filters and tables', async () => {
  await goto(page, 'ai_gateway/overview');
  await page.focus('.chip:has-text("Model")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.panel');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.panel', { state: 'detached' }).catch(() => must(false, 'Escape does not close the panel'));
  must(await page.evaluate(() => document.activeElement?.textContent.includes('Model')), 'the focus is lost');
  await page.click('[data-widget=t_endpoints] th:has-text("Requests") button');
  must((await page.getAttribute('[data-widget=t_endpoints] th:has-text("Requests")', 'aria-sort')) === 'descending', 'the table does not sort');
});

await check('the export is the file, to the byte', async () => {
  const download = page.waitForEvent('download');
  await page.click('a:has-text("Export")');
  const file = await download;
  must(file.suggestedFilename() === 'AI Gateway.lvdash.json', `it is called ${file.suggestedFilename()}`);
  must(readFileSync(await file.path(), 'utf8') === bundled, 'it differs');
});

await check('dark colours are remembered', async () => {
  await page.click('[aria-label="Dark colours"]');
  await page.reload();
  must((await page.getAttribute('html', 'data-theme')) === 'dark', 'the page came back light');
  await page.click('[aria-label="Light colours"]');
});

// ---- Importing

async function importFile(name, content) {
  await page.goto(base + '/ui/');
  await page.waitForSelector('.board-link');
  const data = await page.evaluateHandle(([n, c]) => {
    const t = new DataTransfer();
    t.items.add(new File([c], n));
    return t;
  }, [name, content]);
  await page.dispatchEvent('.list-page', 'drop', { dataTransfer: data });
}

await check('a broken file is refused with its place', async () => {
  page.expected.push(/status of 400/);
  await importFile('broken.lvdash.json', broken);
  await page.waitForSelector('dialog .message.error');
  const message = await page.textContent('dialog .message.error');
  must(/line 3: pages\[0\]\.layout: expected a list, found a string/.test(message), `it says ${message}`);
  await page.keyboard.press('Escape');
  page.expected.length = 0;
});

await check('a dropped file is reported on, imported, and its broken widgets break nothing else', async () => {
  page.expected.push(/status of 4\d\d/);
  await importFile('hostile.lvdash.json', hostile);
  await page.waitForSelector('.facts');
  const report = await page.textContent('.import-report');
  for (const want of [/1 broken/, /1 shown as a table/, /chart type funnel is not drawn yet/]) must(want.test(report), `the report lacks ${want}: ${report}`);
  await page.click('form.import button[type=submit]');
  await settled(page);
  const byID = Object.fromEntries((await widgets(page)).map((w) => [w.id, w]));
  must(byID.good.state === 'ready' && byID.good.rows > 0, 'the good widget shows nothing');
  must(byID.broken.state === 'broken' && /needs a field/.test(byID.broken.alert), 'the broken widget has no card');
  must(byID.bad_sql.state === 'error' && byID.bad_sql.alert, 'the failing query has no card');
  must(byID.funnel.badge === 'chart type funnel is not drawn yet: shown as a table' && byID.funnel.rows > 0, 'the funnel has no badge');
  await shot(page, 'imported-1440-light');
});

await check('what a file brings along does not run and calls nobody', async () => {
  must(!(await page.evaluate(() => window.hacked)), 'a script of the file ran');
  must((await page.locator('.prose img, .prose script, .prose iframe, .prose [onclick], .prose [style]').count()) === 0, 'the text holds elements it must not');
  const links = await page.$$eval('.prose a, .table a', (all) => all.map((a) => [a.protocol, a.rel]));
  must(links.length > 0 && links.every(([p, rel]) => /^https?:$/.test(p) && rel.includes('noopener')), `links ${JSON.stringify(links)}`);
  page.expected.length = 0;
});

await check('the imported dashboard can be thrown away', async () => {
  await page.goto(base + '/ui/');
  await page.hover('.board-card:has-text("hostile")');
  await page.click('.board-card:has-text("hostile") .board-trash');
  await page.click('dialog .button.danger');
  await page.waitForFunction(() => !document.querySelector('.boards').textContent.includes('hostile'));
});

await check('a session that has ended leads back to the sign-in form', async () => {
  const other = await open();
  other.expected.push(/status of 401/);
  await goto(other, 'ai_gateway/overview');
  await other.context().clearCookies();
  await other.keyboard.press('r');
  await other.waitForSelector('.form-error:has-text("session has ended")');
  await other.context().close();
});

await check('signing out ends the session', async () => {
  await page.goto(base + '/ui/');
  await page.click('.user');
  await page.click('.menu-item:has-text("Sign out")');
  await page.waitForSelector('input[name=key]');
  page.expected.push(/status of 401/);
  const status = await page.evaluate(() => fetch('/ui/api/dashboards').then((r) => r.status));
  must(status === 401, `the API still answers ${status}`);
});
await page.context().close();

// ---- Sizes, themes, accessibility

const looks = process.env.FAST ? [[1440, 'light']] : [[1440, 'light'], [1440, 'dark'], [390, 'light'], [390, 'dark'], [320, 'light']];
for (const [width, theme] of looks) {
  const p2 = await open({ width, height: width < 500 ? 844 : 900, theme, scale: width < 500 ? 2 : 1 });
  for (const p of pages) {
    await check(`page ${p.displayName} fits ${width} pixels and is accessible, ${theme}`, async () => {
      await goto(p2, p.path);
      await shot(p2, `${p.name}-${width}-${theme}`);
      const wide = await p2.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(wide <= 0, `it is ${wide} pixels too wide`);
      await p2.evaluate(axe);
      const found = await p2.evaluate(async () => {
        const r = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] });
        return r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 160)} ${v.nodes[0].failureSummary?.split('\n')[1] ?? ''}`);
      });
      must(found.length === 0, found.join('\n  '));
    });
  }
  await p2.context().close();
}

await check('no complaint of the console, no violated policy, no request to another host', async () => {
  must(complaints.length === 0, [...new Set(complaints)].slice(0, 20).join('\n  '));
});

await browser.close();
console.log(`screenshots are in tests/browser/out`);
console.log(`browser: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
