import EventSourcing
import EventStoreClient
import Foundation
import JSON

/// Shows the states of a watch as they come.
///
/// On a terminal it redraws the screen. Elsewhere it prints one line each time.
enum WatchDisplay {
    /// Shows the states until the task is cancelled or the reader closes the output.
    static func run(_ watch: StoreWatch, json: Bool) async throws {
        signal(SIGPIPE, SIG_IGN)
        var watch = watch
        let isInPlace = !json && isatty(STDOUT_FILENO) == 1
        // The screen is cleared once. Later output overwrites the lines, to avoid flicker.
        guard try say(isInPlace ? "\u{1B}[2J" : "") else { return }
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
            guard try say(text) else { return }
        }
    }

    /// Writes text to standard output. Returns false if the reader has closed it.
    private static func say(_ text: String) throws -> Bool {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
            return true
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            guard cause?.code != Int(EPIPE) else { return false }
            throw DaybookError(
                .storage, "can't write the output: \(error.localizedDescription)")
        }
    }
}
