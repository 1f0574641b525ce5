internal import Fabric
internal import HubClient

/// Which frames of a peer's server were dealt with: stored, or found to be unusable.
///
/// A value; whoever owns it writes it down. The text form is the peers' (`mux.md`, section 5.1): pairs of channel and
/// number in `seen`. They ignore what stands beside it: how far each channel was dealt with as a whole, which needs no
/// pair for each frame.
struct SeenFrames: Sendable, Equatable {
    /// Numbers of frames, and how many a channel has: what JSON can carry exactly. A server that says more is not
    /// believed.
    static let numbers: Range<Int64> = 0..<(1 << 53)

    /// What is known of one channel.
    struct Channel: Sendable, Equatable {
        /// Every frame below this number was dealt with.
        var floor: Int64 = 0
        /// Frames above it that were dealt with.
        var beyond: Set<Int64> = []

        /// Whether the frame was dealt with.
        func has(_ seq: Int64) -> Bool { seq < floor || beyond.contains(seq) }

        /// Notes that the frame was dealt with.
        mutating func add(_ seq: Int64) {
            guard seq >= floor, SeenFrames.numbers.contains(seq) else { return }
            beyond.insert(seq)
            raise()
        }

        /// Notes that everything below `seq` is over.
        mutating func add(allBelow seq: Int64) {
            guard seq > floor, seq <= SeenFrames.numbers.upperBound else { return }
            floor = seq
            beyond = beyond.filter { $0 >= seq }
            raise()
        }

        private mutating func raise() {
            while beyond.remove(floor) != nil { floor += 1 }
        }
    }

    /// The channels, by id.
    private(set) var channels: [String: Channel] = [:]

    /// What is known of a channel.
    subscript(channel: String) -> Channel { channels[channel] ?? Channel() }

    /// Notes that a frame was dealt with.
    mutating func add(_ channel: String, _ seq: Int64) { channels[channel, default: Channel()].add(seq) }

    /// Notes that all frames of a channel below `seq` are over.
    mutating func add(_ channel: String, allBelow seq: Int64) {
        channels[channel, default: Channel()].add(allBelow: seq)
    }

    /// Forgets the channels that the server no longer lists. Returns whether there were any.
    mutating func keep(only listed: Set<String>) -> Bool {
        let before = channels.count
        channels = channels.filter { listed.contains($0.key) }
        return channels.count != before
    }

    // MARK: - As text

    /// How many of a channel's frames are written as pairs: as many as a server keeps.
    private static let pairsPerChannel: Int64 = 100

    /// The peers' file for `agent` and `intent`.
    func json(agent: String, intent: String) -> JSONValue {
        var pairs: [JSONValue] = []
        var floors: JSONObject = [:]
        for (id, channel) in channels.sorted(by: { $0.key < $1.key }) {
            let low = max(0, channel.floor - Self.pairsPerChannel)
            for seq in Array(low..<max(low, channel.floor)) + channel.beyond.sorted() {
                pairs.append([.text(id), .integer(seq)])
            }
            floors[id] = .integer(channel.floor)
        }
        return [
            "version": "v0.6.8", "agent": .text(agent), "intent": .text(intent), "count": .integer(pairs.count),
            "seen": .list(pairs), "floors": .object(floors),
        ]
    }

    init() {}

    /// What was written for this agent and intent; nothing where the text is another's, or none.
    init(_ json: JSONValue, agent: String, intent: String) {
        guard json["agent"]?.text.flatMap({ HubAgent($0) })?.name == agent, json["intent"]?.text == intent else {
            return
        }
        for (id, floor) in json["floors"]?.object?.members ?? [] where MuxConversation.isChannel(id) {
            if let floor = floor.integer, floor >= 0 { add(id, allBelow: floor) }
        }
        for pair in json["seen"]?.list ?? [] {
            guard let pair = pair.list, pair.count == 2, let id = pair[0].text, MuxConversation.isChannel(id),
                let seq = pair[1].integer, Self.numbers.contains(seq)
            else { continue }
            add(id, seq)
        }
    }
}
