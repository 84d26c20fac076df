// Every word the desk says, in each of its languages. Another language is another object.
import { state } from "./store.js";
import * as office from "./words/office.js";

const en = {
  desk: "Tieline desk",
  sign_in: "Sign in", name: "Name", password: "Password", sign_out: "Sign out",
  offline: "The service does not answer just now.",
  connecting: "Connecting…", connected: "Connected", lost: "Connection lost, trying again",
  skip: "Skip to the contact",
  state_logged_out: "Logged out", state_ready: "Ready", state_paused: "Paused",
  state_offered: "Ringing", state_talking: "In a call", state_wrap_up: "Wrap-up",
  then_pause: "then a break", then_log_out: "then logged out", outside: "in a call of your own",
  go_ready: "Ready", take_break: "Break", log_out: "Log out", log_in: "Log in",
  finish: "Finish wrap-up", longer: "+1 min",
  reason_lunch: "Lunch", reason_break: "Break", reason_training: "Training",
  reason_meeting: "Meeting", "reason_no-answer": "No answer",
  theme: "Light or dark", language: "Language", help: "Keys",
  view_contact: "Contact", view_customer: "Customer", view_tickets: "Tickets", view_chat: "Chats",
  view_knowledge: "Knowledge", view_mine: "My day",
  nobody: "No contact in hand", nobody_hint: "The next one appears here while your phone rings.",
  ringing: "Ringing", answered: "In the call", chatting: "In a chat", over: "Over", wrapping: "Wrap-up",
  caller: "Number", called: "Dialled", queue: "Queue", why: "Reason", waited: "Waited",
  talked: "Talked", chatted: "Wrote with an agent", came_by: "Came by", flow: "Flow", spoken: "Language",
  verified: "Verified", not_verified: "Not verified", level_unknown: "unknown caller",
  level_customer: "known customer",
  level_number: "number recognised", level_verified: "verified", level_strong: "strongly verified",
  unknown_caller: "Unknown caller",
  fields: "What they have said", identity: "Who they are", path: "The way here",
  transcript: "Conversation", no_path: "Nothing yet.", pressed: "pressed",
  guidance: "Guidance", stage_greet: "Greet", stage_verify: "Verify", stage_identify: "Identify",
  stage_understand: "Understand", stage_solve: "Solve", stage_recap: "Recap", stage_offer: "Offer",
  no_guidance: "There is no script for this queue.",
  hold: "Hold", take_back: "Take back", ask_colleague: "Ask a colleague", only_caller: "Back to the caller",
  join_all: "Join all three", hand_over: "Hand over",
  talk_held: "On hold: the caller hears music", talk_asking: "On hold: a colleague is rung",
  talk_asked: "On hold: {name} is asked", talk_conference: "All three talk: {name}, the caller and you",
  talk_advising: "{name} asks you about this caller",
  together_again: "You and the caller are together again.",
  transfer: "Transfer", hang_up: "Hang up", text: "Text message", dial: "Call a number",
  note: "Note", free: "free", cancel: "Cancel", send: "Send", save: "Save", close: "Close",
  to_agent: "To an agent", to_queue: "To a queue", estimate: "about {minutes} min",
  at_once: "at once", not_known: "not known", waiting: "{count} waiting", closed: "closed",
  transferred: "The call is passed on.", message: "Message", parts: "{count} part(s)",
  sent: "The message is on its way.", number: "Number", call: "Call",
  dialling: "Your phone rings first, then the number.",
  disposition: "How did it end?", required: "required", disposition_saved: "Noted.",
  choose: "Choose…", notes: "Notes",
  knowledge: "Knowledge", search: "Search", search_hint: "Words of the question",
  no_hits: "Nothing found. Try other words.", back: "Back",
  news: "Announcement", must_read: "Please read before you go on.", have_read: "I have read this",
  customer: "Customer", no_customer: "This contact belongs to nobody we know.",
  make_customer: "Make a customer of it", find_customer: "Find a customer",
  tags: "Tags", add_tag: "Add a tag", segment: "Segment", edit: "Edit", add: "Add",
  remove: "Remove", timeline: "Timeline", add_note: "Add a note", merge: "Merge with",
  set_customer: "It is this one", addresses: "Addresses", saved: "Saved.", merged: "Merged.",
  tickets: "Tickets", open_ticket: "Open a ticket", title: "Title", body: "What is to be done",
  assignee: "For", due: "Due", ticket_open: "Open", ticket_pending: "Pending",
  ticket_solved: "Solved", ticket_closed: "Closed", no_tickets: "No tickets.",
  of_this_contact: "Of this customer", mine: "Mine", comment: "Comment",
  my_day: "My day", taken: "Calls taken", talk_time: "Talk time", average: "Average",
  missed: "Not answered", rejected: "Declined", queues: "My queues", join: "Join", leave: "Leave",
  recent: "Latest contacts", who_free: "Who is free",
  keys_about: "One key each, whenever nothing is being written.", keys_on: "Shortcuts are on",
  key_ready: "ready", key_break: "a break", key_finish: "finish wrap-up",
  key_hold: "hold, and take back", key_ask: "ask a colleague", key_join: "join all three",
  key_hand_over: "leave the caller to the colleague", key_transfer: "transfer the call", key_text: "write a text message", key_dial: "call a number",
  key_search: "search the knowledge", key_note: "write a note", key_views: "the views, in order",
  no_chats: "No chats.", chats_hint: "Chats that are yours appear here.",
  take_chat: "Take it", not_me: "Not now", end_chat: "Done", attach: "Attach",
  give_code: "Code for a call", code_sent: "They have a code to ring us with.",
  chat_parked: "parked while you are in a call", visitor_away: "has closed the page",
  visitor_types: "is writing…", way_sent: "sent", way_delivered: "delivered", way_read: "read",
  way_failed: "not delivered",
  channel_voice: "telephone", channel_chat: "chat", channel_sms: "text messages",
  whole_contact: "All of the contact", by_customer: "Customer", by_bot: "Bot", by_agent: "Agent", by_house: "House",
};

const zh = {
  desk: "Tieline 坐席台",
  sign_in: "登录", name: "用户名", password: "密码", sign_out: "退出",
  offline: "服务暂时没有响应。",
  connecting: "正在连接…", connected: "已连接", lost: "连接中断，正在重试",
  skip: "跳到联系内容",
  state_logged_out: "已签出", state_ready: "就绪", state_paused: "小休",
  state_offered: "振铃中", state_talking: "通话中", state_wrap_up: "话后处理",
  then_pause: "之后小休", then_log_out: "之后签出", outside: "正在拨打其他电话",
  go_ready: "就绪", take_break: "小休", log_out: "签出", log_in: "签入",
  finish: "结束话后", longer: "+1 分钟",
  reason_lunch: "午餐", reason_break: "休息", reason_training: "培训",
  reason_meeting: "会议", "reason_no-answer": "未接听",
  theme: "浅色或深色", language: "语言", help: "快捷键",
  view_contact: "联系", view_customer: "客户", view_tickets: "工单", view_chat: "聊天",
  view_knowledge: "知识库", view_mine: "我的今天",
  nobody: "当前没有联系", nobody_hint: "电话振铃时，来电者的资料会显示在这里。",
  ringing: "振铃中", answered: "通话中", chatting: "聊天中", over: "已结束", wrapping: "话后处理",
  caller: "号码", called: "拨打", queue: "队列", why: "原因", waited: "等待",
  talked: "通话", chatted: "文字交谈", came_by: "渠道", flow: "流程", spoken: "语言",
  verified: "已核实", not_verified: "未核实", level_unknown: "身份未知",
  level_customer: "已知客户",
  level_number: "号码已识别", level_verified: "已核实", level_strong: "强核实",
  unknown_caller: "未知来电",
  fields: "客户已提供", identity: "客户身份", path: "来电经过",
  transcript: "对话", no_path: "暂无。", pressed: "按键",
  guidance: "话术", stage_greet: "问候", stage_verify: "核实", stage_identify: "识别",
  stage_understand: "了解", stage_solve: "解决", stage_recap: "复述", stage_offer: "推荐",
  no_guidance: "此队列没有话术。",
  hold: "保持", take_back: "取回", ask_colleague: "咨询同事", only_caller: "回到来电",
  join_all: "三方通话", hand_over: "交给同事",
  talk_held: "保持中：来电者正在听音乐", talk_asking: "保持中：正在呼叫同事",
  talk_asked: "保持中：正在咨询 {name}", talk_conference: "三方通话：{name}、来电者和您",
  talk_advising: "{name} 就此来电咨询您",
  together_again: "您与来电者已恢复通话。",
  transfer: "转接", hang_up: "挂断", text: "短信", dial: "拨打电话",
  note: "备注", free: "空闲", cancel: "取消", send: "发送", save: "保存", close: "关闭",
  to_agent: "转给坐席", to_queue: "转到队列", estimate: "约 {minutes} 分钟",
  at_once: "无需等待", not_known: "未知", waiting: "{count} 人等待", closed: "已关闭",
  transferred: "电话已转接。", message: "内容", parts: "{count} 条",
  sent: "短信正在发送。", number: "号码", call: "拨打",
  dialling: "您的电话先响，然后拨打对方。",
  disposition: "结果如何？", required: "必填", disposition_saved: "已记录。",
  choose: "请选择…", notes: "备注",
  knowledge: "知识库", search: "搜索", search_hint: "问题中的词语",
  no_hits: "没有找到，请换个词。", back: "返回",
  news: "公告", must_read: "请阅读后再继续。", have_read: "我已阅读",
  customer: "客户", no_customer: "此联系不属于已知客户。",
  make_customer: "新建客户", find_customer: "查找客户",
  tags: "标签", add_tag: "添加标签", segment: "分组", edit: "编辑", add: "添加",
  remove: "删除", timeline: "时间线", add_note: "添加备注", merge: "合并到",
  set_customer: "就是这位", addresses: "联系方式", saved: "已保存。", merged: "已合并。",
  tickets: "工单", open_ticket: "新建工单", title: "标题", body: "需要做什么",
  assignee: "负责人", due: "截止", ticket_open: "打开", ticket_pending: "等待",
  ticket_solved: "已解决", ticket_closed: "已关闭", no_tickets: "没有工单。",
  of_this_contact: "此客户的", mine: "我的", comment: "评论",
  my_day: "我的今天", taken: "接听数", talk_time: "通话时长", average: "平均",
  missed: "未接听", rejected: "拒接", queues: "我的队列", join: "加入", leave: "离开",
  recent: "最近联系", who_free: "谁有空",
  keys_about: "未在输入时，各按一个键即可。", keys_on: "启用快捷键",
  key_ready: "就绪", key_break: "小休", key_finish: "结束话后",
  key_hold: "保持与取回", key_ask: "咨询同事", key_join: "三方通话",
  key_hand_over: "把来电交给同事", key_transfer: "转接电话", key_text: "写短信", key_dial: "拨打电话",
  key_search: "搜索知识库", key_note: "写备注", key_views: "依次为各页面",
  no_chats: "没有聊天。", chats_hint: "属于您的聊天会显示在这里。",
  take_chat: "接受", not_me: "暂不", end_chat: "完成", attach: "附件",
  give_code: "来电代码", code_sent: "已把来电代码发给对方。",
  chat_parked: "您在通话中，对话已搁置", visitor_away: "已关闭页面",
  visitor_types: "正在输入…", way_sent: "已发送", way_delivered: "已送达", way_read: "已读",
  way_failed: "未送达",
  channel_voice: "电话", channel_chat: "聊天", channel_sms: "短信",
  whole_contact: "完整联系资料", by_customer: "客户", by_bot: "机器人", by_agent: "坐席", by_house: "系统",
};

Object.assign(en, office.en);
Object.assign(zh, office.zh);

export const LANGUAGES = { en, zh };
// How dates are written.
export const locale = () => ({ en: "en-GB", zh: "zh-CN" })[language()];
const STORED = "tieline.language";

export function language() {
  const wanted = localStorage.getItem(STORED) || (state.me && state.me.language) || navigator.language;
  return String(wanted).toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function chooseLanguage(name) {
  localStorage.setItem(STORED, name);
  document.documentElement.lang = name;
}

export function t(key, values = {}) {
  const found = LANGUAGES[language()][key] ?? en[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// A word that an installation made up (a reason, a queue) is shown as it is when it is not known.
export const known = (prefix, word) => {
  const key = `${prefix}_${word}`;
  return LANGUAGES[language()][key] ?? en[key] ?? word;
};
