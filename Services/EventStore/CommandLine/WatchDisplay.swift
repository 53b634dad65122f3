import EventStoreClient
import Foundation
import JSON

/// Shows the states of a watch as they come.
///
/// On a terminal it redraws the screen. Elsewhere it prints one line each time.
enum WatchDisplay {
    /// Shows the states until the task is cancelled.
    ///
    /// - Throws: `ExitCode.success` if the reader has closed the output.
    static func run(_ watch: StoreWatch, json: Bool) async throws {
        signal(SIGPIPE, SIG_IGN)
        var watch = watch
        let isInPlace = !json && isatty(STDOUT_FILENO) == 1
        // The screen is cleared once. Later output overwrites the lines, to avoid flicker.
        if isInPlace { try write("\u{1B}[2J") }
        while true {
            let activity = try await watch.next()
            let text =
                if json {
                    try JSON.text(activity) + "\n"
                } else if isInPlace {
                    "\u{1B}[H" + activity.lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
                } else {
                    activity.line + "\n"
                }
            try write(text)
        }
    }

    private static func write(_ text: String) throws {
        try FileHandle.standardOutput.writeLines(Array(text.utf8))
    }
}
