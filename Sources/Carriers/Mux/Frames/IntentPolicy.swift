/// How much a peer's server lets through for an intent: the table of `mux.md`, section 4.1.
struct IntentPolicy: Equatable {
    /// Characters per second; 0 for as many as come.
    let rate: Int64
    /// Characters that may come at once.
    let burst: Int64
    /// Whether what is too much is refused, instead of only counted.
    let isPreemptible: Bool

    private init(_ rate: Int64, _ burst: Int64, preemptible: Bool) {
        self.rate = rate
        self.burst = burst
        isPreemptible = preemptible
    }

    /// The policy of an intent: of itself, or of what is left when parts are dropped from its end.
    init(of intent: String) {
        var parts = intent.split(separator: ":", omittingEmptySubsequences: false)
        while !parts.isEmpty {
            if let policy = Self.table[parts.joined(separator: ":")] {
                self = policy
                return
            }
            parts.removeLast()
        }
        self = IntentPolicy(200_000, 100_000, preemptible: true)
    }

    /// The most characters that a frame can ever have; nil where there is no limit.
    var largestFrame: Int64? {
        guard isPreemptible else { return nil }
        let capacity = burst > 0 ? burst : rate
        return capacity > 0 ? capacity : nil
    }

    private static let table: [String: IntentPolicy] = [
        "call:voice": IntentPolicy(128_000, 32_000, preemptible: false),
        "call:video": IntentPolicy(2_000_000, 500_000, preemptible: false),
        "tibet:ping": IntentPolicy(10_000, 5_000, preemptible: false),
        "chat": IntentPolicy(50_000, 20_000, preemptible: false),
        "push": IntentPolicy(50_000, 20_000, preemptible: false),
        "task": IntentPolicy(100_000, 50_000, preemptible: true),
        "sync": IntentPolicy(200_000, 100_000, preemptible: true),
        "session": IntentPolicy(500_000, 200_000, preemptible: true),
        "tibet:token": IntentPolicy(50_000, 20_000, preemptible: true),
        "mail": IntentPolicy(500_000, 200_000, preemptible: true),
        "file:sync": IntentPolicy(1_000_000, 500_000, preemptible: true),
        "vpn:tunnel": IntentPolicy(0, 0, preemptible: true),
        "stream": IntentPolicy(0, 0, preemptible: true),
    ]
}
