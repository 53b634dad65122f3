import ArgumentParser
import CommandLine
import EventSourcing
import Foundation
import Keys
import Observability
import WireProtocol
import ZeroMQ

struct Keys: ProgramCommand {
    static let abstract = "Manage the keys that identify processes and people over TCP."
    static let discussion = """
        Each process and each person reads its own secret key from the file DAYBOOK_KEY, and \
        everyone's public keys from the file DAYBOOK_KEYRING.
        """
    static let subcommands: [any ParsableCommand.Type] = [New.self, List.self, Revoke.self]

    struct Options: ParsableArguments {
        @Option(
            help: """
                The file of all public keys (DAYBOOK_KEYRING, default: <home>/keys/keyring.json).
                """)
        var keyring: String?

        @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
        var home = Endpoints.home

        @Flag(help: "Print JSON.") var json = false

        var file: URL {
            URL(
                filePath: keyring ?? Endpoints.environment("DAYBOOK_KEYRING")
                    ?? "\(home)/keys/keyring.json")
        }
    }

    struct New: ProgramCommand {
        static let abstract = "Create keys, each in its own file beside the keyring."
        static let discussion = """
            A key named after one of the suite's processes may do what the process needs. Any \
            other key may only read. Permission options replace these defaults: the key may do \
            what they say, and read. No key may append to system streams, whose names begin \
            with $.
            """
        @OptionGroup var options: Options
        @OptionGroup var given: GivenPermissions
        @Argument(help: "The names of processes, such as event-store or orders, or of operators.")
        var names: [String]

        func run() async throws {
            // The key file gets this name, and logs contain it.
            let form = #/[A-Za-z][A-Za-z0-9_.\-]{0,63}/#.matchingSemantics(.unicodeScalar)
            for name in names where name.wholeMatch(of: form) == nil {
                throw ValidationError(
                    "'\(name)' can't name a key: use a letter, then up to 63 letters, digits, "
                        + "'-', '_' and '.'")
            }
            let folder = options.file.deletingLastPathComponent()
            do {
                try FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
            } catch {
                throw DaybookError(
                    .storage,
                    "folder \(folder.path) can't be created: \(error.localizedDescription)")
            }
            var keyring =
                FileManager.default.fileExists(atPath: options.file.path)
                ? try Keyring(options.file) : Keyring()
            let pairs = try names.map { ($0, try CurveKeyPair.generate()) }
            for (name, pair) in pairs {
                try keyring.add(name, pair.publicKey, at: .now(), given.permissions)
            }
            for (name, pair) in pairs {
                try KeyFile.write(pair, of: name, to: folder.appending(path: "\(name).key"))
            }
            try keyring.write(to: options.file)
            if options.json { return try Output.json(keyring) }
            for key in keyring.keys.suffix(names.count) {
                try Output.print("\(key.name): \(folder.path)/\(key.name).key")
                try Output.print("    \(key.effectivePermissions.summary)")
            }
        }
    }

    struct List: ProgramCommand {
        static let abstract = "List the keys."
        @OptionGroup var options: Options

        func run() async throws {
            let keyring = try Keyring(options.file)
            if options.json { return try Output.json(keyring) }
            try Output.table(
                keyring.keys,
                [
                    ("name", \.name), ("public key", \.publicKey), ("made", \.createdAt),
                    ("revoked", { $0.revokedAt?.description ?? "-" }),
                    ("appends to", { Self.list($0.effectivePermissions.append) }),
                    ("reads", { Self.list($0.effectivePermissions.read) }),
                    ("commands", { Self.list($0.effectivePermissions.commands) }),
                    ("receives from", { Self.list($0.queues) }),
                    ("administers", { $0.effectivePermissions.administers ? "yes" : "no" }),
                ])
        }

        private static func list(_ names: [String]) -> String {
            names.isEmpty ? "-" : names.joined(separator: " ")
        }
    }

    struct Revoke: ProgramCommand {
        static let abstract = "Revoke a key, so that no process admits it any more."
        @OptionGroup var options: Options
        @Argument(help: "The name of the key.") var name: String

        func run() async throws {
            var keyring = try Keyring(options.file)
            try keyring.revoke(name, at: .now())
            try keyring.write(to: options.file)
            if options.json { return try Output.json(keyring) }
            try Output.print("revoked the key of \(name)")
        }
    }
}

/// Options that set the permissions of a new key.
struct GivenPermissions: ParsableArguments {
    @Option(help: "A category of streams that the key may append to, or '*'; may be repeated.")
    var append: [String] = []

    @Option(help: "A category of events that the key may read, instead of all; may be repeated.")
    var read: [String] = []

    @Option(help: "A service that the key may send commands to, or '*'; may be repeated.")
    var command: [String] = []

    @Option(
        help: """
            A queue that the key may receive from and acknowledge on, or '*'; may be repeated.
            """)
    var receive: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: """
            Whether the key may change rules, queues, dead letters, archives and replays, and \
            receive from any queue.
            """)
    var admin: Bool?

    /// The permissions that the options set; nil if no option is given.
    var permissions: Permissions? {
        guard admin != nil || !(append + read + command + receive).isEmpty else { return nil }
        return Permissions(
            append: append, read: read.isEmpty ? [Permissions.any] : read, commands: command,
            receive: receive, administers: admin ?? false)
    }

    func validate() throws {
        for name in append + read + command where name != Permissions.any {
            try require(
                (try? StreamName(category: name, id: "1")) != nil,
                "'\(name)' is not a category, a service or '*'")
        }
        for category in append {
            try require(
                !StreamName.isSystem(category: category),
                "'\(category)' is a system category, to which no key may append")
        }
        for queue in receive where queue != Permissions.any {
            if let fault = QueueDefinition(name: queue).fault { throw ValidationError(fault) }
        }
    }
}

extension Keyring.Key {
    /// The queues that the key may receive from. A keyring of an earlier version does not list the
    /// queue of the key's own name.
    fileprivate var queues: [String] {
        let permissions = effectivePermissions
        return permissions.administers ? [Permissions.any] : permissions.receive ?? [name]
    }
}

extension Permissions {
    /// The permissions in one line.
    fileprivate var summary: String {
        func list(_ names: [String], _ all: String) -> String {
            names.contains(Self.any) ? all : names.joined(separator: ", ")
        }
        var parts = ["reads \(list(read, "everything"))"]
        if !append.isEmpty { parts.append("appends to \(list(append, "all categories"))") }
        if !commands.isEmpty { parts.append("sends commands to \(list(commands, "all services"))") }
        if let receive, !receive.isEmpty {
            parts.append("receives from \(list(receive, "all queues"))")
        }
        if administers { parts.append("administers") }
        return parts.joined(separator: "; ")
    }
}
