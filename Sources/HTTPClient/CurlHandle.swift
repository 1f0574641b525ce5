internal import CCurl

/// A curl easy handle that remembers the first option that was refused, so that options can be set in a row.
struct CurlHandle {
    /// curl's own handle.
    let pointer: UnsafeMutableRawPointer
    /// The result of the first `set` that failed, or `CURLE_OK`.
    private(set) var failure = CURLE_OK

    /// A fresh handle; nil without memory.
    init?() {
        guard let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
    }

    mutating func set(_ option: CURLoption, _ value: Int) {
        note(tibet_curl_set_long(pointer, option, value))
    }

    mutating func set(_ option: CURLoption, _ value: String?) {
        note(tibet_curl_set_string(pointer, option, value))
    }

    mutating func set(_ option: CURLoption, large value: Int64) {
        note(tibet_curl_set_off_t(pointer, option, curl_off_t(value)))
    }

    mutating func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) {
        note(tibet_curl_set_pointer(pointer, option, value))
    }

    mutating func set(_ option: CURLoption, list value: UnsafeMutablePointer<curl_slist>?) {
        note(tibet_curl_set_list(pointer, option, value))
    }

    mutating func set(_ option: CURLoption, data callback: tibet_curl_data_callback?) {
        note(tibet_curl_set_data_callback(pointer, option, callback))
    }

    mutating func set(seek callback: tibet_curl_seek_callback?) {
        note(tibet_curl_set_seek_callback(pointer, callback))
    }

    /// A number that curl knows about the transfer; 0 when it does not.
    func info(_ info: CURLINFO) -> Int {
        var value = 0
        return tibet_curl_get_long(pointer, info, &value) == CURLE_OK ? value : 0
    }

    /// A size or time in microseconds that curl knows about the transfer; 0 when it does not.
    func largeInfo(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return tibet_curl_get_off_t(pointer, info, &value) == CURLE_OK ? Int64(value) : 0
    }

    /// Keeps the system from taking much more than the network can carry.
    mutating func limitUnsentBytes() { note(tibet_curl_set_unsent_limit(pointer)) }

    private mutating func note(_ result: CURLcode) {
        if failure == CURLE_OK { failure = result }
    }
}
