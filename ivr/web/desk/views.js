// Which views there are, in the order of their keys: everybody's, and those of whoever leads.
const EVERYBODY = ["contact", "customer", "tickets", "chat", "knowledge", "mine"];
const LEADS = ["floor", "files"];

export const leads = (me) => me.roles.some((role) => role === "supervisor" || role === "administrator");
export const viewsOf = (me) => (leads(me) ? [...EVERYBODY, ...LEADS] : EVERYBODY);
