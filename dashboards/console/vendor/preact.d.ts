// The types of preact.js, for checking web/*.tsx with TypeScript; nothing of it is built or served.
export * from 'preact';
export * from 'preact/hooks';
