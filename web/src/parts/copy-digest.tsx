import { useState } from 'react';
import { shortDigest } from '../format.ts';

export function CopyDigest({ digest }: { readonly digest: string }) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(digest).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <button type="button" className="digest" title={`${digest} (copy)`} onClick={copy}>
      {copied ? 'copied' : shortDigest(digest)}
    </button>
  );
}
