// Everything here is an addition: each page and each form works without it.
'use strict';
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const body = document.body;
  const csrf = body.dataset.csrf || '';
  const here = location.pathname + location.search;

  // What the server made, as nodes. It escaped all that is not its own, and the policy of the page runs no script in it.
  const nodes = (html) => {
    const inTable = /^\s*<tr/.test(html);
    const page = new DOMParser().parseFromString(inTable ? `<table>${html}</table>` : html, 'text/html');
    const node = inTable ? $('tr', page) : page.body.firstElementChild;
    if (!node) return null;
    for (const field of $$('input[name=csrf]', node)) field.value = csrf;
    for (const field of $$('input[name=back]', node)) field.value = here;
    return document.importNode(node, true);
  };

  // A form that somebody is filling in outlives the part of the page that it stands in.
  const dirty = new WeakSet();
  document.addEventListener('input', (event) => { const form = event.target.form; if (form) dirty.add(form); });
  const keep = (old, fresh) => {
    for (const form of $$('form[data-keep]', old)) {
      const twin = $$('form[data-keep]', fresh).find((other) => other.dataset.keep === form.dataset.keep);
      if (twin && (dirty.has(form) || form.contains(document.activeElement))) twin.replaceWith(form);
    }
    for (const box of $$('input[type=checkbox][name=host]:checked', old)) {
      const twin = $$('input[name=host]', fresh).find((other) => other.value === box.value);
      if (twin) twin.checked = true;
    }
    for (const details of $$('details[open]', old)) {
      const named = $('summary', details)?.textContent;
      for (const twin of $$('details', fresh)) if ($('summary', twin)?.textContent === named) twin.open = true;
    }
  };
  const swap = (old, fresh) => {
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const place = active && (active.id ? `#${CSS.escape(active.id)}` : active.getAttribute('href') ? `a[href="${CSS.escape(active.getAttribute('href'))}"]` : active.name === 'host' ? 'input[name=host]' : null);
    keep(old, fresh);
    old.replaceWith(fresh);
    if (active && !active.isConnected && place) $(place, fresh)?.focus({ preventScroll: true });
    else if (active && active.isConnected && document.activeElement !== active) active.focus({ preventScroll: true });
    dress(fresh);
  };

  // Zones: what is in one, what comes, what goes.
  const insert = (zone, node) => {
    const name = node.dataset.host;
    const next = [...zone.children].find((other) => other.dataset.host > name);
    if (zone.children.length >= Number(zone.dataset.most || 100)) return;
    zone.insertBefore(node, next || null);
    dress(node);
  };
  const place = (prefix, zoneName, host, html) => {
    const old = document.getElementById(prefix + host);
    if (!html) { old?.remove(); return; }
    const fresh = nodes(html);
    if (!fresh) return;
    if (old) return swap(old, fresh);
    const zone = $(`[data-zone="${zoneName}"]`);
    if (zone && (zoneName !== 'all' || zone.hasAttribute('data-follow'))) insert(zone, fresh);
  };

  // One polite region, one message a second at most.
  const news = $('#news');
  let queue = []; let speaking = 0;
  const say = (words) => {
    if (!news || !words) return;
    queue.push(words);
    if (speaking) return;
    const speak = () => {
      if (!queue.length) { speaking = 0; return; }
      news.textContent = queue.length > 3 ? `${queue.length} changes` : queue.join('. ');
      queue = [];
      speaking = setTimeout(speak, 1000);
    };
    speaking = setTimeout(speak, 50);
  };

  // The page once more, for the parts of it that are marked.
  let again = 0; let reading = false;
  const reread = (ids) => {
    if (again) return;
    again = setTimeout(async () => {
      again = 0;
      if (reading) return reread(ids);
      reading = true;
      try {
        const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, credentials: 'same-origin' });
        if (!answer.ok) { if (answer.status === 404 || answer.redirected) location.reload(); return; }
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        for (const id of ids) {
          const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
          if (old && fresh) swap(old, document.importNode(fresh, true));
        }
      } finally { reading = false; }
    }, 250);
  };

  const follow = () => {
    if (!body.dataset.live || !window.EventSource) return;
    const own = $('#live-head')?.dataset.host;
    const source = new EventSource(`/live?after=${body.dataset.live}`);
    const on = (kind, act) => source.addEventListener(kind, (event) => act(JSON.parse(event.data)));
    on('host', (change) => {
      if (own) { if (own === change.host) { reread(['live-head', 'live-now', 'live-facts']); say(change.say); } return; }
      place('needs-', 'needs', change.host, change.needs);
      place('running-', 'running', change.host, change.running);
      place('row-', 'all', change.host, change.row);
      place('tile-', 'wall', change.host, change.tile);
      $('.onboarding')?.remove();
      say(change.say);
    });
    on('progress', (change) => {
      if (own) { if (own === change.host) place('stage-', '', change.host, change.bar); return; }
      place('running-', 'running', change.host, change.running);
      const tile = document.getElementById(`tile-${change.host}`);
      if (tile) place('tile-', 'wall', change.host, change.tile);
    });
    on('gone', (change) => {
      if (own === change.host) { location.assign('/'); return; }
      for (const prefix of ['needs-', 'running-', 'row-', 'tile-']) document.getElementById(prefix + change.host)?.remove();
      say(change.say);
    });
    on('head', (change) => {
      const heading = $('#live-head:not(.heading) .heading');
      const fresh = heading && nodes(change.html);
      if (fresh) heading.replaceWith(fresh);
      if (heading) reread(['banner']);
    });
    on('reset', () => location.reload());
    body.dataset.following = 'yes';
    addEventListener('pagehide', () => source.close());
  };

  // Buttons that copy, and commands that follow what is chosen.
  const dress = (part) => {
    for (const button of $$('[data-copy]', part)) button.hidden = !navigator.clipboard;
    for (const field of $$('[data-cli]', part)) {
      const code = $('.cli code', field.closest('.act') || document.createElement('div'));
      if (code) field.addEventListener('input', () => { code.textContent = `${field.dataset.cli} ${field.value.trim() || 'PROFILE'}`; const copy = $('[data-copy]', code.parentElement); if (copy) copy.dataset.copy = code.textContent; });
    }
  };
  document.addEventListener('click', async (event) => {
    const copy = event.target.closest?.('[data-copy]');
    if (copy) {
      await navigator.clipboard.writeText(copy.dataset.copy);
      const was = copy.textContent; copy.textContent = 'Copied'; say('Copied');
      setTimeout(() => { copy.textContent = was; }, 1500);
    }
    if (event.target.closest?.('[data-pick-all]')) {
      const boxes = $$('input[name=host]'); const all = boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = !all;
      picked();
    }
  });
  const picked = () => {
    const count = $$('input[name=host]:checked').length;
    const text = $('#picked');
    if (text) text.textContent = count === 1 ? '1 host selected' : `${count} hosts selected`;
  };
  document.addEventListener('change', (event) => { if (event.target.name === 'host') picked(); });
  for (const button of $$('[data-pick-all]')) button.hidden = false;

  // Clocks.
  const coarse = (s) => (s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min` : s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`);
  const span = (s) => { const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600), Math.floor(s / 60)]; const two = (a, u, b, v) => (b ? `${a} ${u} ${b} ${v}` : `${a} ${u}`); return d ? two(d, 'd', h % 24, 'h') : h ? two(h, 'h', m % 60, 'min') : m ? two(m, 'min', s % 60, 's') : `${s} s`; };
  setInterval(() => {
    for (const time of $$('time[datetime]')) {
      const past = Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (Number.isNaN(past)) continue;
      if (time.classList.contains('clock')) time.textContent = span(Math.max(past, 0));
      else if (time.title && past >= 5) time.textContent = `${coarse(past)} ago`;
    }
  }, 1000);

  // Keys. They can be switched off, since they get in the way of those who speak to their computer.
  const off = () => { try { return localStorage.getItem('keys') === 'off'; } catch { return false; } };
  for (const box of $$('[data-keys-off]')) {
    box.checked = off();
    box.addEventListener('change', () => { try { localStorage.setItem('keys', box.checked ? 'off' : 'on'); } catch { /* it holds for this page */ } });
  }
  const names = () => $$('#needs .name, #running .name, #all .name, .tile a');
  const current = () => document.activeElement?.closest('[data-host]');
  let went = 0;
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && event.target.matches('input, select, textarea')) { event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || off()) return;
    if (event.target.matches('input:not([type=checkbox]), select, textarea')) return;
    const gone = Date.now() - went < 1200;
    went = 0;
    const host = current();
    const step = (by) => {
      const all = names(); if (!all.length) return;
      const at = host ? all.findIndex((name) => host.contains(name)) : -1;
      const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
      next.focus(); next.scrollIntoView({ block: 'nearest' });
    };
    const acts = {
      '/': () => $('#search')?.focus(),
      j: () => step(1),
      k: () => step(-1),
      x: () => { const box = host && $(`#row-${CSS.escape(host.dataset.host)} input[name=host]`); if (box) { box.checked = !box.checked; picked(); say(box.checked ? `${box.value} selected` : `${box.value} not selected`); } },
      a: () => { const field = $('#arm-profile') || (host && $('form.arm select', host)); if (field) { field.focus(); field.scrollIntoView({ block: 'center' }); } else if (host) location.assign(`/hosts/${encodeURIComponent(host.dataset.host)}#actions`); },
      e: () => { if ($('[data-explain]')) { location.hash = ''; location.hash = 'explain'; } else if (host) location.assign(`/hosts/${encodeURIComponent(host.dataset.host)}#explain`); },
      g: () => { went = Date.now(); },
      '?': () => $('#keys')?.showModal(),
    };
    if (gone) { const way = $(`[data-go="${CSS.escape(event.key)}"]`); if (way) { event.preventDefault(); location.assign(way.getAttribute('href')); return; } }
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  dress(document);
  $('#flash')?.focus({ preventScroll: true });
  follow();
  if ($('[data-poll]')) setInterval(() => { if ($('[data-poll]')) reread(['images']); }, 1000);
})();
