internal import Fabric
internal import HubClient
internal import Synchronization
internal import SystemPackage

/// What this process knows of one agent's mailbox at one peer's server: which frames were dealt with, and which are in
/// somebody's hands. The server knows neither, and offers everything to everybody for ever.
///
/// There is one for each mailbox in a process, so that several takers keep out of each other's way. Against takers in
/// other processes the lane stands, which publishes the same bytes under the same name once.
final class PeerMailbox: Sendable {
    /// A frame.
    struct Place: Hashable, Sendable {
        let channel: String
        let seq: Int64
    }

    /// Which mailbox, and where it is remembered.
    struct Key: Hashable, Sendable {
        let address: HubAddress
        let agent: HubAgent
        let intent: String
        let file: FilePath?
    }

    private let key: Key
    private let state: Mutex<State>

    private struct State: Sendable {
        var seen: SeenFrames?
        /// Frames that somebody has, or that were released: until when they are not offered.
        var held: [Place: ContinuousClock.Instant?] = [:]
    }

    private init(_ key: Key) {
        self.key = key
        state = Mutex(State(seen: key.file == nil ? SeenFrames() : nil))
    }

    private static let known = Mutex<[Key: PeerMailbox]>([:])

    /// The one for this mailbox.
    static func shared(_ key: Key) -> PeerMailbox {
        known.withLock { known in
            if let mailbox = known[key] { return mailbox }
            let mailbox = PeerMailbox(key)
            known[key] = mailbox
            return mailbox
        }
    }

    /// Reads what was remembered, once. Blocks.
    func load() throws(SystemFailure) {
        guard let file = key.file, state.withLock({ $0.seen == nil }) else { return }
        let bytes = try ReplaceableFile.read(file, atMost: Self.largestFile)
        let json = bytes.flatMap { try? JSONValue(parsing: $0) }
        let seen = json.map { SeenFrames($0, agent: key.agent.name, intent: key.intent) } ?? SeenFrames()
        state.withLock { state in
            if state.seen == nil { state.seen = seen }
        }
    }

    private static let largestFile = 64 << 20

    /// What is known of a channel.
    subscript(channel: String) -> SeenFrames.Channel {
        state.withLock { $0.seen?[channel] ?? SeenFrames.Channel() }
    }

    /// Takes a frame into the caller's hands; false when it was dealt with, or is in somebody's.
    func hold(_ place: Place) -> Bool {
        state.withLock { state in
            guard state.seen?[place.channel].has(place.seq) != true else { return false }
            if let until = state.held[place] {
                guard let until, until <= .now else { return false }
            }
            state.held[place] = .some(nil)
            return true
        }
    }

    /// Gives a frame back, to be offered again after some time.
    func release(_ place: Place, after time: Duration) {
        state.withLock { $0.held[place] = .some(.now + time) }
    }

    /// Remembers durably that a frame was dealt with. Blocks.
    func finish(_ place: Place) throws(SystemFailure) {
        try change { $0.add(place.channel, place.seq) }
        state.withLock { _ = $0.held.removeValue(forKey: place) }
    }

    /// Remembers durably that no frame of a channel below `seq` will come any more. Blocks.
    func giveUp(_ channel: String, below seq: Int64) throws(SystemFailure) {
        try change { $0.add(channel, allBelow: seq) }
    }

    /// Forgets the channels that the server no longer lists. Blocks.
    func keep(only listed: Set<String>) throws(SystemFailure) {
        let hasOthers = state.withLock { state in
            state.held = state.held.filter { listed.contains($0.key.channel) }
            return state.seen?.channels.keys.contains { !listed.contains($0) } ?? false
        }
        if hasOthers { try change { _ = $0.keep(only: listed) } }
    }

    /// Changes what is remembered, the file first: what was not written down is not known.
    private func change(_ body: (inout SeenFrames) -> Void) throws(SystemFailure) {
        try state.withLock { state throws(SystemFailure) in
            var seen = state.seen ?? SeenFrames()
            body(&seen)
            if let file = key.file {
                let text = seen.json(agent: key.agent.name, intent: key.intent).text(.indentedPython)
                try ReplaceableFile.replace(file, with: Array(text.utf8))
            }
            state.seen = seen
        }
    }
}
