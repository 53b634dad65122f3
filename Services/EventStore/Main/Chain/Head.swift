import ArgumentParser
import CommandLine
import EventStoreClient
import WireProtocol

struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show where the log ends, and the hash of all that is in it.",
        discussion: """
            Kept elsewhere, a head tells whether anything before it was altered since: \
            'event-store verify --chain --trusted <position>:<hash>'. Signed, it needs no safe \
            place but for the key, which 'openssl genpkey -algorithm ed25519 -out <key>' makes: \
            'event-store verify --chain --head <file> --key <public key>'.
            """)

    /// A log of an earlier version is read as a whole the first time, a gigabyte in some seconds.
    private static let timeout: Duration = .seconds(600)

    @OptionGroup var store: StoreOptions
    @Flag(help: "Sign it, in JSON.") var signed = false
    @Option(help: "The file of the private key, Ed25519, for --signed.", completion: .file())
    var key: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard signed == (key != nil) else {
            throw ValidationError("--signed and --key go together")
        }
    }

    func run() async throws {
        let key = try key.map(SigningKeys.privateKey(file:))
        try await store.withClient { client in
            // Who does not answer this is not there.
            _ = try await client.welcome()
            let head = try await client.head(timeout: Self.timeout)
            if let key { return try Output.json(SignedHead(head, signedWith: key)) }
            if json { return try Output.json(head) }
            Output.fields([
                ("log", "\(head.log)"), ("position", "\(head.position)"),
                ("time", head.time.map { "\($0)" } ?? "none"), ("hash", head.hash),
            ])
        }
    }
}
