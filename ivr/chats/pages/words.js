// What the chat says by itself, in each language it speaks.
const WORDS = {
  en: {
    title: "Chat", close: "Close the chat", log: "Messages", write: "Your message", send: "Send",
    attach: "Attach a file", ring: "Have us ring you", cancel: "Cancel", callMe: "Ring me",
    callTitle: "Shall we ring you?", callNumber: "Your telephone number",
    ringing: "We will ring you. Everything you have written is in front of whoever rings.",
    begin: "Begin", name: "Your name", email: "Your e-mail address", phone: "Your telephone number",
    connecting: "Connecting…", away: "No connection. What you write is sent as soon as there is one.",
    waiting: "You are waiting for a person. You may close this window and come back.",
    parked: "Your agent will be back in a moment.", over: "This conversation is over.",
    again: "Begin a new one", typing: "is writing…", agent: "Agent", bot: "Assistant", you: "You",
    house: "Notice", unsent: "not sent yet", sent: "sent", delivered: "delivered", read: "read",
    failed: "not delivered", tooBig: "This file is too large.", unsentFile: "The file was not sent. Please try again.",
    signedOut: "Your sign-in here has ended, so that conversation is shut. It is there again when you have signed in.",
    why_odd: "This could not be taken. Please write it again.",
    why_empty: "Please write something first.", why_long: "A message has at most {most} characters.",
    why_full: "This conversation has become too long. Please begin a new one.",
    why_over: "This conversation is over. Please begin a new one.",
    why_fast: "You write faster than anybody can read. Please wait a moment.",
    why_crowded: "Too many conversations begin where you are. Please wait a moment.",
    why_unavailable: "This chat is not available.",
    why_no_person: "Ask for a person first: then we know who should ring you.",
    why_rung_soon: "You are going to be rung. Please wait a moment before you ask again.",
    why_not_rung: "We cannot ring this number. Give us another one, or go on writing here.",
    why_no_files: "Files are not taken in this chat.", why_many_files: "A conversation has at most {most} files.",
    why_file_kind: "This kind of file is not taken. We take: {kinds}.",
    why_file_slow: "This file took too long to come in. Please try again.",
  },
  zh: {
    title: "在线咨询", close: "关闭对话", log: "消息", write: "您的消息", send: "发送",
    attach: "添加文件", ring: "请我们回电", cancel: "取消", callMe: "给我打电话",
    callTitle: "需要我们给您打电话吗？", callNumber: "您的电话号码",
    ringing: "我们会给您回电，来电的同事能看到您写过的全部内容。",
    begin: "开始", name: "您的姓名", email: "您的电子邮箱", phone: "您的电话号码",
    connecting: "正在连接…", away: "连接已断开，恢复后会自动发送您写的内容。",
    waiting: "正在为您转接人工，您可以关闭窗口，稍后再回来。",
    parked: "客服稍后回来。", over: "本次对话已结束。", again: "开始新的对话",
    typing: "正在输入…", agent: "客服", bot: "助手", you: "您", house: "通知",
    unsent: "尚未发送", sent: "已发送", delivered: "已送达", read: "已读", failed: "未送达",
    tooBig: "文件太大。", unsentFile: "文件未能发送，请再试一次。",
    signedOut: "您在本站的登录已结束，之前的对话已关闭，重新登录后可继续。",
    why_odd: "这条消息无法接收，请重新填写。",
    why_empty: "请先写点内容。", why_long: "一条消息最多 {most} 个字符。",
    why_full: "本次对话太长了，请开始新的对话。",
    why_over: "本次对话已结束，请开始新的对话。",
    why_fast: "您发送得太快，请稍等片刻。",
    why_crowded: "您所在的网络发起的对话太多，请稍等片刻。",
    why_unavailable: "此对话暂不可用。",
    why_no_person: "请先转人工，这样我们才知道由谁给您回电。",
    why_rung_soon: "我们即将给您回电，请稍后再试。",
    why_not_rung: "我们无法拨打此号码，请换一个号码，或继续在这里留言。",
    why_no_files: "此对话不接收文件。", why_many_files: "一次对话最多发送 {most} 个文件。",
    why_file_kind: "不接收此类文件，可以发送：{kinds}。",
    why_file_slow: "文件上传太慢，请再试一次。",
  },
};

export const wordsOf = (language) => WORDS[language] || WORDS[language.split("-")[0]] || WORDS.en;

// Why something was not taken: `why` is the server's word for it, `values` fill in its places.
export function whyOf(words, { why, values = {} }) {
  return (words[`why_${why}`] || words.why_odd).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
