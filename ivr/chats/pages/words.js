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
    failed: "not delivered", tooBig: "This file is too large.", refused: "This chat is not available.",
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
    tooBig: "文件太大。", refused: "此对话暂不可用。",
  },
};

export const wordsOf = (language) => WORDS[language] || WORDS.en;
