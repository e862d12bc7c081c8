import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  build: { target: 'es2023', sourcemap: false, assetsInlineLimit: 0 },
  // `npx vite web` shows the page from source, against a server on the default port.
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
