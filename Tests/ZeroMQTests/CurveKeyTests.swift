import Testing
import ZeroMQ

@Suite struct `CURVE keys` {
    @Test func `Key pair is recovered from its secret`() throws {
        let pair = try CurveKeyPair.generate()
        #expect(CurveKeyPair(secret: pair.secret)?.publicKey == pair.publicKey)
        #expect(CurvePublicKey(pair.publicKey.description) == pair.publicKey)
    }

    /// The key pair is from the libzmq manual, zmq_curve(7).
    @Test func `Key pair has the public key that the ZeroMQ manual shows`() {
        let pair = CurveKeyPair(secret: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
        #expect(pair?.publicKey.description == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
    }

    @Test(arguments: [
        "", "x", String(repeating: "\"", count: 40), String(repeating: "a", count: 41),
    ])
    func `Malformed key is rejected`(_ text: String) {
        #expect(CurveKeyPair(secret: text) == nil && CurvePublicKey(text) == nil)
    }
}
