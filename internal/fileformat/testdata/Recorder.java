import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

/**
 * Writes what java.util.Properties reads in random files, and what it writes of random values, as
 * lines of hexadecimal digits of UTF-8: the file, then its pairs of key and value in the order of
 * their bytes; "failed" stands for the pairs of a file that it refuses.
 *
 * java Recorder.java > properties.txt
 *
 * With the argument -, the files are those of standard input, one a line in hexadecimal digits.
 */
class Recorder {
    static final String[] PIECES = {"a", "b.c", " ", "\t", "\f", "=", ":", "\\", "\\\\", "\n", "\r", "\r\n", "\\\n", "\\\n  ", "#", "!", "\\u0041", "\\u00e9",
        "\\ud83d\\ude00", "\\ud83d", "\\u12", "\\uD83D", "é", "\ud83d\ude00", "\\=", "\\:", "\\ ", "\\t", "\\n", "\\x", "\\#", "d=e", "\nf=g\n", "\n\n", "h i", "'", "\""};

    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        if (args.length > 0) {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                byte[] text = new byte[line.length() / 2];
                for (int i = 0; i < text.length; i++) {
                    text[i] = (byte) Integer.parseInt(line.substring(2 * i, 2 * i + 2), 16);
                }
                record(out, new String(text, StandardCharsets.UTF_8));
            }
            out.flush();
            return;
        }
        Random random = new Random(20240115);
        for (int i = 0; i < 3500; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(12); n >= 0; n--) {
                text.append(PIECES[random.nextInt(PIECES.length)]);
            }
            record(out, text.toString());
        }
        for (int i = 0; i < 500; i++) {
            java.util.Properties values = new java.util.Properties();
            for (int n = random.nextInt(4); n >= 0; n--) {
                StringBuilder value = new StringBuilder();
                for (int m = random.nextInt(6); m > 0; m--) {
                    value.append(PIECES[random.nextInt(PIECES.length)]);
                }
                values.setProperty("k" + n + PIECES[random.nextInt(8)] + n, value.toString());
            }
            StringWriter written = new StringWriter();
            values.store(written, null);
            String text = written.toString();
            record(out, text.substring(text.indexOf('\n') + 1)); // without the time
        }
        out.flush();
    }

    static void record(PrintStream out, String text) throws IOException {
        StringBuilder line = new StringBuilder(hex(text));
        java.util.Properties read = new java.util.Properties();
        try {
            read.load(new StringReader(text));
            List<String> pairs = new ArrayList<>();
            for (String key : read.stringPropertyNames()) {
                pairs.add(hex(key) + " " + hex(read.getProperty(key)));
            }
            Collections.sort(pairs);
            for (String pair : pairs) {
                line.append(' ').append(pair);
            }
        } catch (IllegalArgumentException e) {
            line.append(" failed");
        }
        out.print(line.append('\n'));
    }

    static String hex(String text) {
        StringBuilder digits = new StringBuilder("x");
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            digits.append(String.format("%02x", b));
        }
        return digits.toString();
    }
}
