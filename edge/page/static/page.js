// The hall now, in the browser: follows /events, asks for /api/status, and writes text. Nothing that came over the
// line is ever taken for markup: whatever is shown goes through textContent.

const WORDS = {
  zh: {
    now: "当前情况", occupancy: "厅内人数", waiting: "等候", people: "人", wait: "预计等候", minutes: "分钟",
    counters: "开放窗口", ofCounters: (all) => `/ ${all}`, advised: (n) => `建议 ${n}`,
    entered: "今日进厅", left: "今日离厅", flagged: "体温异常",
    near: "接近上限", full: "已满",
    open: "营业中", closed: "未营业",
    simulated: "模拟营业厅", speed: (n) => `${n} 倍速`,
    alarms: "报警", calm: "没有报警", raised: (what) => `新报警：${what}`,
    since: "起", drill: "演练",
    levels: { 1: "特大", 2: "重大", 3: "较大", 4: "一般" }, level: (n, name) => `${n} 级（${name}）`,
    states: { unacknowledged: "未确认", acknowledged: "已确认", returned: "已恢复，待确认", shelved: "已搁置", normal: "正常" },
    air: "空气", co2: "二氧化碳",
    devices: "设备", ofDevices: (ok, all) => ok === all ? `${all} 台正常` : `${all} 台，${all - ok} 台需关注`,
    noDevices: "还没有设备报到",
    health: { ok: "正常", degraded: "性能下降", failed: "故障", disabled: "已停用", maintenance: "维护中" },
    classes: {
      thermometer: "测温", door: "进出计数", air: "空气", contact: "接点", disinfection: "消毒签到", tickets: "取号",
      presence: "有人感应", light: "照度", voc: "气味", button: "按钮", scanner: "扫码", rater: "评价器", power: "供电",
      fixture: "设施", signal: "指示灯",
      output: "输出",
    },
    reading: (at) => `读数 ${at}`, noReading: "尚无读数",
    linked: "已连接中心", unlinked: "与中心断开", alone: "未设中心",
    rows: (n) => `${n} 条待发`, refused: (n) => `${n} 条被拒`,
    unsynced: "时钟未同步",
    connecting: "正在连接网关…",
    lost: (age) => `实时连接中断，正在自动重连。以下是 ${age}前的情况。`,
    stuck: "网关内部有部分停止运行，显示的内容可能不完整。请联系技术人员。",
    justNow: "刚刚", seconds: (n) => `${n} 秒`, mins: (n) => `${n} 分钟`, hours: (h, m) => `${h} 小时 ${m} 分`,
    days: (n) => `${n} 天`,
  },
  en: {
    now: "The hall now", occupancy: "People in the hall", waiting: "Waiting", people: "people", wait: "Expected wait",
    minutes: "min", counters: "Counters open", ofCounters: (all) => `/ ${all}`, advised: (n) => `advised ${n}`,
    entered: "Entered today", left: "Left", flagged: "Flagged for fever",
    near: "Nearly full", full: "Full",
    open: "Open", closed: "Closed",
    simulated: "Simulated hall", speed: (n) => `×${n}`,
    alarms: "Alarms", calm: "No alarms", raised: (what) => `New alarm: ${what}`,
    since: "since", drill: "drill",
    levels: { 1: "extreme", 2: "major", 3: "serious", 4: "general" }, level: (n, name) => `level ${n}, ${name}`,
    states: {
      unacknowledged: "not acknowledged", acknowledged: "acknowledged", returned: "over, not acknowledged",
      shelved: "shelved", normal: "normal",
    },
    air: "Air", co2: "CO₂",
    devices: "Devices",
    ofDevices: (ok, all) => ok === all ? `all ${all} well` : `${all - ok} of ${all} ${all - ok === 1 ? "needs" : "need"} attention`,
    noDevices: "no device has reported yet",
    health: { ok: "ok", degraded: "degraded", failed: "failed", disabled: "disabled", maintenance: "maintenance" },
    classes: {
      thermometer: "thermometer", door: "door counter", air: "air", contact: "contact", disinfection: "badge reader",
      presence: "presence", light: "brightness", voc: "smell", button: "button", scanner: "scanner", rater: "rater",
      power: "power", fixture: "fixture", signal: "signal lamp",
      tickets: "tickets", output: "output",
    },
    reading: (at) => `read ${at}`, noReading: "no reading yet",
    linked: "Connected to the centre", unlinked: "Centre not reachable", alone: "No centre configured",
    rows: (n) => `${n} waiting to be sent`, refused: (n) => `${n} refused`,
    unsynced: "clock not synchronised",
    connecting: "Connecting to the gateway…",
    lost: (age) => `Live connection lost, reconnecting by itself. What you see is ${age} old.`,
    stuck: "A part of the gateway has stopped; what is shown may be incomplete. Call a technician.",
    justNow: "just now", seconds: (n) => `${n} s`, mins: (n) => `${n} min`, hours: (h, m) => `${h} h ${m} min`,
    days: (n) => `${n} ${n === 1 ? "day" : "days"}`,
  },
};

const LOCALES = { zh: "zh-CN", en: "en-GB" };
const NUMERALS = { 1: "I", 2: "II", 3: "III", 4: "IV" };
const HEALTH_ORDER = ["failed", "degraded", "maintenance", "disabled", "ok"];

const STATUS_EVERY_MS = 5000;
const STATUS_TIMEOUT_MS = 4000;
// Two in a row that fail: the line is dead, even where the browser still believes in the stream.
const MISSES = 2;
const REOPEN_MS = 3000;

const $ = (id) => document.getElementById(id);

// --- what is known ------------------------------------------------------------------------------------------------

const topics = new Map();
const live = { open: false, told: false, misses: 0, freshAt: Date.now() };
let zones = {};
let status = null;
let statusAt = 0;
let language = remembered() || (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
let words = WORDS[language];

function remembered() {
  try {
    const kept = localStorage.getItem("language");
    return kept in WORDS ? kept : null;
  } catch {
    return null; // a browser that keeps nothing
  }
}

function below(prefix) {
  return [...topics].filter(([topic]) => topic.startsWith(prefix)).map(([, message]) => message);
}

function alarms() {
  return below("alarm/").sort((a, b) => a.level - b.level || a.raised_at.localeCompare(b.raised_at));
}

function isLost() {
  return live.told && (!live.open || live.misses >= MISSES);
}

/** The hall's own time, which in a simulated hall runs at its own speed. It stands still with all else that is shown. */
function hallNow() {
  if (!status) return null;
  const now = isLost() ? Math.max(live.freshAt, statusAt) : Date.now();
  return Date.parse(status.wall) + (now - statusAt) * (status.speed || 1);
}

// --- the line -----------------------------------------------------------------------------------------------------

let source = null;
let reopening = 0;

function follow() {
  clearTimeout(reopening);
  if (source) source.close();
  source = new EventSource("/events");
  source.addEventListener("present", (event) => {
    const before = new Set(topics.keys());
    topics.clear();
    for (const [topic, message] of Object.entries(JSON.parse(event.data))) topics.set(topic, message);
    if (live.told) for (const topic of topics.keys()) if (!before.has(topic)) announce(topic);
    live.open = live.told = true;
    fresh();
  });
  source.addEventListener("change", (event) => {
    const { topic, message } = JSON.parse(event.data);
    const isNew = !topics.has(topic);
    if (message === null) topics.delete(topic);
    else topics.set(topic, message);
    if (isNew && message) announce(topic);
    fresh();
  });
  source.addEventListener("error", () => {
    live.open = false;
    // A browser comes back by itself from a broken line, but gives up for ever when it was told no.
    if (source.readyState === EventSource.CLOSED) reopening = setTimeout(follow, REOPEN_MS * (1 + Math.random()));
    show();
  });
}

function fresh() {
  live.freshAt = Date.now();
  show();
}

async function ask(path) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), STATUS_TIMEOUT_MS);
  try {
    const answer = await fetch(path, { signal: giveUp.signal, cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    return await answer.json();
  } finally {
    clearTimeout(timer);
  }
}

async function poll() {
  try {
    status = await ask("/api/status");
    statusAt = Date.now();
    if (!("hall" in zones)) zones = (await ask("/api/words")).zones;
    if (live.misses >= MISSES) follow(); // the stream of before may be open at our end alone
    live.misses = 0;
    if (live.open) live.freshAt = Date.now();
  } catch {
    live.misses += 1;
  }
  show();
}

// --- words --------------------------------------------------------------------------------------------------------

const formats = new Map();

function format(kind, options) {
  const zone = status ? status.timezone : undefined;
  const key = `${language} ${zone} ${kind}`;
  if (!formats.has(key)) {
    let made;
    try {
      made = new Intl.DateTimeFormat(LOCALES[language], { timeZone: zone, ...options });
    } catch {
      made = new Intl.DateTimeFormat(LOCALES[language], options); // a zone this browser has never heard of
    }
    formats.set(key, made);
  }
  return formats.get(key);
}

const clock = (ms) => format("clock", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);
const day = (ms) => format("day", { month: "short", day: "numeric" }).format(ms);
const today = (ms) => format("today", { weekday: "long", month: "long", day: "numeric" }).format(ms);

/** When it was: the clock alone where that was today. */
function instant(rfc3339) {
  const ms = Date.parse(rfc3339);
  const now = hallNow();
  return now !== null && day(ms) !== day(now) ? `${day(ms)} ${clock(ms)}` : clock(ms);
}

function age(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return words.justNow;
  if (minutes < 60) return words.mins(minutes);
  if (minutes < 48 * 60) return words.hours(Math.floor(minutes / 60), minutes % 60);
  return words.days(Math.floor(minutes / 1440));
}

function staleFor() {
  const seconds = Math.max(0, Math.round((Date.now() - live.freshAt) / 1000));
  return seconds < 60 ? words.seconds(seconds) : age(seconds * 1000);
}

/** Where an alarm comes from, as people call it. */
function placeOf(name) {
  const device = topics.get(`device/${name}`);
  if (device && device.place) return device.place[language];
  return zones[name] ? zones[name][language] : name;
}

function announce(topic) {
  if (topic.startsWith("alarm/")) $("told").textContent = words.raised(topics.get(topic).text[language]);
}

// --- writing ------------------------------------------------------------------------------------------------------

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

function shape(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

const written = new Map();

/** Write a part of the page anew only when what it says has changed: what somebody has selected stays selected. */
function write(id, said, make) {
  const key = language + JSON.stringify(said);
  if (written.get(id) === key) return;
  written.set(id, key);
  $(id).replaceChildren(...make());
}

function say(id, text) {
  const node = $(id);
  text = String(text);
  if (node.textContent !== text) node.textContent = text;
}

let due = false;

function show() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    render();
  });
}

function render() {
  renderNotice();
  renderTop();
  renderFigures();
  renderAlarms();
  renderAir();
  renderDevices();
}

function renderNotice() {
  const lost = isLost();
  let text = "";
  if (!live.told) text = words.connecting;
  else if (lost) text = words.lost(staleFor());
  else if (status && !status.alive) text = words.stuck;
  // An alert is read out when it appears, not each second that it grows older.
  $("notice").setAttribute("aria-live", lost && !$("notice").hidden ? "off" : "assertive");
  say("notice", text);
  $("notice").hidden = text === "" || (!live.told && Date.now() - live.freshAt < 1500);
  document.body.classList.toggle("stale", lost);
}

function renderTop() {
  const hall = topics.get("hall");
  const count = alarms().length;
  if (status) {
    say("name", status.name[language]);
    document.title = (count ? `(${count}) ` : "") + status.name[language];
    const now = hallNow();
    say("time", clock(now));
    $("time").dateTime = new Date(now).toISOString();
    say("date", today(now) + (status.clock === "synced" ? "" : ` · ${words.unsynced}`));
    renderLink(status.uplink);
    $("simulated").hidden = !status.simulated;
    const speed = status.speed && status.speed !== 1 ? ` · ${words.speed(status.speed)}` : "";
    say("simulated", words.simulated + speed);
  }
  $("open").hidden = !hall;
  if (hall) {
    say("open", hall.open ? words.open : words.closed);
    $("open").className = `tag ${hall.open ? "yes" : "no"}`;
  }
}

function renderLink({ address, connected, waiting, refused }) {
  const kind = address === null ? "alone" : connected ? "linked" : "unlinked";
  $("link").className = `link ${{ alone: "alone", linked: "up", unlinked: "broken" }[kind]}`;
  write("link", [kind, waiting, refused], () => {
    const parts = [element("span", "state", shape(kind), words[kind])];
    if (waiting && address !== null) parts.push(element("span", "", words.rows(waiting)));
    if (refused) parts.push(element("span", "", words.refused(refused)));
    return parts;
  });
}

function renderFigures() {
  const hall = topics.get("hall");
  if (!hall) return;
  const share = hall.capacity ? hall.occupancy / hall.capacity : 0;
  const near = status ? status.crowd_warn : 1;
  const fullness = share >= 1 ? "full" : share >= near ? "near" : "";
  $("meter").style.setProperty("--near", `${near * 100}%`);
  say("occupancy", hall.occupancy);
  say("capacity", hall.capacity);
  say("fullness", fullness ? words[fullness] : "");
  document.querySelector(".occupancy").className = `occupancy ${fullness}`;
  $("fill").style.width = `${Math.min(100, Math.round(share * 100))}%`;
  $("meter").setAttribute("aria-valuemax", Math.max(hall.capacity, 1));
  $("meter").setAttribute("aria-valuenow", Math.min(hall.occupancy, hall.capacity));
  $("meter").setAttribute("aria-valuetext", `${hall.occupancy} / ${hall.capacity}`);
  say("waiting", hall.waiting);
  // Told a little longer rather than shorter.
  say("wait", hall.wait_s === null ? "–" : Math.ceil(hall.wait_s / 60));
  say("counters", hall.counters_open);
  const of = status && status.counters ? words.ofCounters(status.counters) : "";
  const advised = hall.counters_advised === null ? "" : words.advised(hall.counters_advised);
  say("counters-of", [of, advised].filter(Boolean).join(" · "));
  say("entered", hall.entered_today);
  say("left", hall.left_today);
  say("flagged", hall.flagged_today);
}

function renderAlarms() {
  const standing = alarms();
  const now = hallNow();
  $("calm").hidden = !live.told || standing.length > 0;
  $("alarm-list").hidden = standing.length === 0;
  say("alarms-count", standing.length || "");
  for (const mark of document.querySelectorAll("[data-alarm]")) {
    const gravest = standing.find((alarm) => alarm.code === mark.dataset.alarm);
    mark.hidden = !gravest;
    mark.className = gravest ? `numeral level-${Number(gravest.level)}` : "";
    mark.textContent = gravest ? NUMERALS[gravest.level] : "";
  }
  const told = standing.map((alarm) => [alarm, now === null ? "" : age(now - Date.parse(alarm.raised_at)), placeOf(alarm.source)]);
  write("alarm-list", told, () => told.map(([alarm, lasted, place]) => {
    const numeral = NUMERALS[alarm.level] || String(alarm.level);
    const name = words.levels[alarm.level] || "";
    const look = { acknowledged: "seen", shelved: "seen", returned: "over" }[alarm.state] || "";
    const badge = element("div", `badge level-${Number(alarm.level)} ${look}`, element("b", "", numeral), element("small", "", name));
    badge.setAttribute("role", "img");
    badge.setAttribute("aria-label", words.level(numeral, name));
    const since = language === "zh" ? `${instant(alarm.raised_at)} ${words.since}` : `${words.since} ${instant(alarm.raised_at)}`;
    const about = element(
      "p", "about",
      element("span", "state", words.states[alarm.state] || alarm.state),
      element("span", "", `${since} · ${lasted}`),
      element("span", "", place),
      alarm.drill ? element("span", "tag made-up", words.drill) : null,
    );
    return element("li", "", badge, element("div", "", element("p", "text", alarm.text[language]), about));
  }));
}

function renderAir() {
  const standing = new Map(below("alarm/").filter(({ code }) => code === "AIR").map((alarm) => [alarm.source, alarm.level]));
  const told = below("air/")
    .map((air) => [air, zones[air.zone] ? zones[air.zone][language] : air.zone, standing.get(air.zone) || null])
    .sort((a, b) => a[0].zone.localeCompare(b[0].zone));
  $("air").hidden = told.length === 0;
  write("air-list", told, () => told.map(([air, zone, level]) => {
    const mark = level ? element("span", `numeral level-${Number(level)}`, NUMERALS[level]) : null;
    const value = (figure, unit, digits, className = "") =>
      figure === null ? null : element("span", className, element("b", "", figure.toFixed(digits)), ` ${unit}`);
    return element(
      "li", "",
      element("p", "zone", element("span", "", zone), mark),
      element(
        "p", "values",
        value(air.co2_ppm, `ppm ${words.co2}`, 0, "co2"),
        value(air.celsius, "℃", 1),
        value(air.humidity_pct, "%", 0),
      ),
    );
  }));
}

function renderDevices() {
  const rank = (device) => HEALTH_ORDER.indexOf(device.health);
  const all = below("device/").sort((a, b) => rank(a) - rank(b) || a.device.localeCompare(b.device));
  const ok = all.filter((device) => device.health === "ok" || device.health === "disabled").length;
  say("devices-count", all.length ? words.ofDevices(ok, all.length) : live.told ? words.noDevices : "");
  const told = all.map((device) => [device, device.last_reading_at && instant(device.last_reading_at)]);
  write("device-list", told, () => told.map(([device, readAt]) => {
    const name = device.place ? device.place[language] : device.device;
    const kind = words.classes[device.class] || device.class;
    const known = HEALTH_ORDER.includes(device.health) ? device.health : "disabled";
    // Its name matters to whoever goes to repair it.
    const about = [...new Set([kind, device.part, known === "ok" || !device.place ? "" : device.device])].filter(Boolean);
    return element(
      "li", known,
      shape(known),
      element("span", device.place ? "place" : "place id", name),
      element("span", "health", words.health[device.health] || device.health),
      device.fault ? element("p", "fault", device.fault.text[language]) : null,
      element(
        "p", "about",
        element("span", "", about.join(" · ")),
        element("span", "read", readAt ? words.reading(readAt) : words.noReading),
      ),
    );
  }));
}

// --- language -----------------------------------------------------------------------------------------------------

function speak(chosen) {
  language = chosen;
  words = WORDS[language];
  document.documentElement.lang = LOCALES[language];
  $("told").textContent = ""; // it was said in the other one
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = words[node.dataset.say];
  for (const each of Object.keys(WORDS)) $(each).setAttribute("aria-pressed", String(each === language));
  show();
}

for (const each of Object.keys(WORDS)) {
  $(each).addEventListener("click", () => {
    try {
      localStorage.setItem("language", each);
    } catch {
      // Then it is asked for again next time.
    }
    speak(each);
  });
}

speak(language);
follow();
poll();
setInterval(poll, STATUS_EVERY_MS);
setInterval(show, 1000);
window.addEventListener("online", () => { follow(); poll(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
