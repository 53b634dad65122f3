import EventSourcing
import Testing

@testable import EventBus

@Suite struct `Receive answers` {
    private let key = ConsumerKey(queue: 1, consumer: "c")
    private let first = EventID(high: 1, low: 1)
    private let second = EventID(high: 1, low: 2)
    private var answers = ReceiveAnswers()

    @Test mutating func `Repeated receive gets the answer of the first`() {
        #expect(answers.begin(key, first, at: .zero).isEmpty)
        #expect(answers.isLast(first, of: key) && answers.frame(of: key, first) == nil)
        answers.wait(for: key, Waiter(id: 1))
        #expect(answers.end(key, first, with: [7], at: .zero) == [Waiter(id: 1)])
        #expect(answers.frame(of: key, first) == [7])
        #expect(answers.frame(of: ConsumerKey(queue: 2, consumer: "c"), first) == nil)
    }

    @Test mutating func `Next receive ends the wait for the one before`() {
        _ = answers.begin(key, first, at: .zero)
        answers.wait(for: key, Waiter(id: 1))
        #expect(answers.begin(key, second, at: .zero) == [Waiter(id: 1)])
        #expect(!answers.isLast(first, of: key))
        #expect(answers.end(key, first, with: [7], at: .zero).isEmpty)
        #expect(answers.frame(of: key, second) == nil)
    }

    @Test mutating func `Failed receive and restarted consumer leave no answer`() {
        _ = answers.begin(key, first, at: .zero)
        _ = answers.end(key, first, with: nil, at: .zero)
        #expect(!answers.isLast(first, of: key))
        _ = answers.begin(key, second, at: .zero)
        answers.wait(for: key, Waiter(id: 1))
        #expect(answers.forget(key) == [Waiter(id: 1)])
        #expect(!answers.isLast(second, of: key))
    }

    @Test mutating func `Answers are forgotten after a minute, but not while in progress`() {
        _ = answers.begin(key, first, at: .zero)
        answers.forgetOld(at: .zero + .seconds(1000))
        #expect(answers.isLast(first, of: key))
        _ = answers.end(key, first, with: [7], at: .zero + .seconds(1000))
        answers.forgetOld(at: .zero + .seconds(1060))
        #expect(answers.isLast(first, of: key))
        answers.forgetOld(at: .zero + .seconds(1061))
        #expect(!answers.isLast(first, of: key))
    }
}
