import ArgumentParser
import CommandLine
import EventLog
import EventStoreClient
import WireProtocol

struct Head: ProgramCommand {
    static let abstract = "Show the position at which the log ends, and the hash of all its events."
    static let discussion = """
        A head that is kept elsewhere shows whether an event before it was altered since: \
        'event-store verify --chain --trusted <position>:<hash>'. A signed head needs no safe \
        place, only the private key does. Create one with 'openssl genpkey -algorithm ed25519 \
        -out <key>', and check signed heads with 'event-store verify --chain --head <file> \
        --key <public key>'.
        """

    /// How long to wait for the head unless --timeout is given. The store must read all of a log of
    /// an earlier version the first time, which takes some seconds per gigabyte.
    private static let timeout = 600.0

    @OptionGroup var store: StoreOptions
    @Flag(help: "Print a signed head, as JSON.") var signed = false
    @Option(help: "The file of the Ed25519 private key, for --signed.", completion: .file())
    var key: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        try require(signed == (key != nil), "give --signed and --key together")
    }

    func run() async throws {
        let key = try key.map(SigningKeys.privateKey(file:))
        try await store.withClient { client in
            // Fails early if the store does not answer, because the next timeout is long.
            _ = try await client.welcome()
            let head = try await client.head(
                timeout: .seconds(store.timeoutOption.given ?? Self.timeout))
            if let key {
                return try Output.json(
                    SignedHead(
                        of: head.log, at: head.position, time: head.time, hash: head.hash,
                        signedWith: key))
            }
            if json { return try Output.json(head) }
            try Output.fields([
                ("log", head.log), ("position", head.position),
                ("time", head.time.map { "\($0)" } ?? "none"), ("hash", head.hash),
            ])
        }
    }
}
