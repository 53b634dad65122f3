import Foundation
import IntegrationHarness

/// Command lines that must fail, each with its exit status: 64 for wrong usage, 65 for rejected or
/// unreadable input, 69 if no process answers, 74 for an input or output error.
struct WrongInput {
    typealias Case = (status: Int32, arguments: [String])

    private static let place = ["orders", "place", "--customer", "x", "--to", "LHR", "--item"]

    /// Command lines that a running suite rejects.
    static let refused: [Case] = [
        (65, place + ["cd:0:1.00"]), (65, place + ["cd:-1:1.00"]), (65, place + ["cd:1:-1.00"]),
        (65, place + ["cd:1:1.00", "--id", "a b"]),
        (65, place + ["cd:1:1.00", "--id", String(repeating: "x", count: 300)]),
        (65, place + ["cd:9223372036854775807:1.00"]),
        (65, ["orders", "cancel", "none"]), (65, ["orders", "cancel", "a b"]),
        (65, ["orders", "show", "none"]), (65, ["orders", "timeline", "none"]),
        (65, ["balance", "open", "a b"]), (65, ["balance", "show", "none"]),
        (65, ["withdraw", "none", "1.00"]), (65, ["withdraw", "a b", "1.00"]),
        (65, ["credit", "none", "0.00"]), (65, ["credit", "none", "--", "-1.00"]),
        (65, ["creditLimit", "set", "a b", "1.00"]), (65, ["creditLimit", "show", "none"]),
        (65, ["route", "show", "none"]), (69, ["event-store", "verify"]),
        (69, ["event-store", "serve"]),
    ]

    /// Command lines that fail without a running process.
    static func alone(in home: String) throws -> [Case] {
        let notUTF8 = "\(home)/not-utf8"
        try Data([0xFF, 0xFE, 0x00]).write(to: URL(filePath: notUTF8))
        let noBook = "\(home)/no-book"
        try Data("head\n 1 19970101 x 11.77\n".utf8).write(to: URL(filePath: noBook))
        return unreachable(in: home) + places(in: home) + usage + amounts + deadlines + [
            (65, ["orders", "import", "/nonexistent"]), (65, ["orders", "import", notUTF8]),
            (65, ["orders", "import", noBook]), (64, ["orders", "import", noBook, "--limit", "0"]),
            (64, ["orders", "import", noBook, "--window", "513"]),
            (64, ["orders", "import", noBook, "--source", ""]),
            (65, ["orders", "import", noBook, "--funds=-1.00"]),
            (65, ["orders", "import", noBook, "--credit=-1.00"]),
            (65, ["route", "plan", "LHR", "--network", "/nonexistent"]),
            (65, ["route", "plan", "LHR", "--network", notUTF8]),
            (65, ["route", "plan", "LHR", "--network", noBook]),
            (65, ["route", "serve", "--network", "/nonexistent"]),
            (65, ["route", "plan", "LHR", "--tariff", "/nonexistent"]),
            (65, ["route", "plan", "LHR", "--tariff", notUTF8]),
            (65, ["route", "serve", "--tariff", noBook]),
            (65, ["event-store", "verify", "--home", "/nonexistent"]),
        ]
    }

    private static let deadlines: [Case] = ["0", "-1", "1e9", "1e18", "1e300", "inf", "nan"].map {
        (64, ["orders", "import", "book", "--deadline=\($0)"])
    }

    private static func unreachable(in home: String) -> [Case] {
        let nobody = ["--timeout", "0.1", "--endpoint", "ipc://\(home)/nobody.sock"]
        let calls = [
            place + ["cd:1:1.00"], ["orders", "cancel", "x"], ["orders", "summary"],
            ["orders", "list", "x"], ["balance", "open", "x"], ["balance", "statement", "x"],
            ["withdraw", "x", "1.00"], ["withdraw", "list", "x"], ["credit", "list", "x"],
            ["creditLimit", "set", "x", "1.00"], ["route", "show", "x"],
        ]
        return calls.map { (69, $0 + nobody) }
            + Suite.services.flatMap { service -> [Case] in
                [
                    (69, [service, "status"] + nobody), (69, [service, "rebuild"] + nobody),
                    (64, [service, "status", "--endpoint", "nonsense"]),
                    (64, [service, "serve", "--endpoint", "inproc://x"]),
                    (64, [service, "serve", "--home", home, "--endpoint", "ipc://"]),
                    (64, [service, "serve", "--home", home, "--endpoint", "tcp://a"]),
                    (64, [service, "status", "--timeout", "0"]),
                    (74, [service, "serve", "--home", "/proc/none"]),
                    (64, [service, "serve", "--log-level", "loud"]),
                ]
            }
            + [(69, ["audit", "--timeout", "0.1", "--home", "/nonexistent"])]
            + ["nonsense", "foo://x", "udp://x", "ipc://"].map {
                (64, ["audit", "--timeout", "0.1", "--event-store", $0])
            }
    }

    private static func places(in home: String) -> [Case] {
        let homes = ["/proc/none", "\(home)/not-utf8", "/" + String(repeating: "x", count: 5000)]
        let feeds = [
            "inproc://x", "nonsense", "foo://x", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:x",
            "tcp://127.0.0.1:99999999999999999999", "tcp://127.0.0.1:-1", "tcp://127.0.0.1:59x",
            "ipc://", "ipc:///tmp/" + String(repeating: "x", count: 200),
        ]
        let serve = ["event-store", "serve", "--home"]
        // The last one leaves no room for the name of a socket.
        return zip([74, 74, 64], homes).map { ($0, serve + [$1]) }
            + feeds.map { (64, serve + ["\(home)/wrong", "--feed", $0]) }
    }

    private static let usage: [Case] = [
        (64, ["orders", "nonsense"]), (64, place), (64, place + ["cd"]),
        (64, place + ["cd:x:1.00"]), (64, place + ["cd:1:1.00", "--deadline", "0"]),
        (64, place + ["cd:1:1.00", "--deadline", "nan"]), (64, ["orders", "cancel"]),
        (64, ["withdraw", "none", "-1.00"]), (64, ["withdraw", "list"]), (64, ["withdraw", "x"]),
        (64, ["credit", "x"]), (64, ["creditLimit", "set", "a", "-1.00"]),
        (64, ["orders", "status", "--timeout", "nan"]),
        (64, ["route", "plan", "LHR", "--hours", "0"]),
        (64, ["route", "plan", "LHR", "--quantity", "0"]), (64, ["audit", "extra"]),
        (64, ["event-store", "append", "--stream", "a-1"]),
        (64, ["event-store", "read", "--from", "x"]),
    ]

    private static let amounts: [Case] = [
        (65, place + ["cd:1:1.001"]), (65, place + ["cd:1:99999999999999999999.00"]),
        (65, place + ["cd:1:1.00", "--currency", "ABC"]),
        (65, ["balance", "open", "a", "--currency", "x"]), (65, ["withdraw", "none", "1.00.00"]),
        (65, ["credit", "none", "x"]), (65, ["credit", "none", "1.00", "--currency", "usd"]),
        (65, ["route", "plan", "XXX"]), (65, ["route", "plan", "LHR", "--currency", "x"]),
        (65, ["event-store", "append", "--stream", "a b", "--type", "T", "--data", "1"]),
        (65, ["event-store", "append", "--stream", "a-1", "--type", "T", "--data", "{"]),
        (65, ["event-store", "read", "--stream", "a b"]),
    ]
}
